// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Estimates against the truth: a simulated program, sampled by a Poisson process that is simulated
// here, through the real reader. 200 seeded runs at each rate.

#include "summed.h"
#include "builder.h"
#include "claims.h"
#include "random_numbers.h"

#include <math.h>
#include <string.h>

#include <profile/sampling.h>

static double probability(uint64_t bytes, uint64_t interval) {
    return 1 - exp(-(double)bytes / (double)interval);
}

// Allocates in rounds: what each site allocates in one of them, in this order, `times` each. The
// last `live_rounds` of 10 stay.
struct simulated_site {
    uint32_t times, sizes[4]; // taken in turn; 0 ends the list
    uint32_t live_rounds;
};

enum { SITES = 10, RUNS = 200, MOST_BLOCKS = 4096, SIZES = 4 };

static const struct simulated_site program[SITES] = {
    {400, {8}, 2},
    {120, {24, 48}, 0},
    {60, {100}, 5},
    {30, {1024}, 1},
    {24, {1000, 700, 300, 17}, 3},
    {12, {4096, 2048}, 2},
    {4, {20000}, 4},
    {60, {64}, 10},
    {40, {333, 512, 900}, 1},
    {16, {3000, 1500}, 7},
};

struct block {
    uint32_t site, size; // indexes
    uint64_t end;        // of its bytes in the round, as they count for samples
};

struct tally {
    uint64_t blocks[SITES][SIZES], live[SITES][SIZES]; // sampled
};

static struct block blocks[MOST_BLOCKS];
static uint32_t block_count;
static uint32_t blocks_in_round[SITES][SIZES];

static uint32_t size_count(const struct simulated_site *site) {
    uint32_t count = 0;
    while (count < SIZES && site->sizes[count])
        count++;
    return count;
}

static uint64_t lay_out_a_round(void) {
    uint64_t end = 0;
    block_count = 0;
    memset(blocks_in_round, 0, sizeof blocks_in_round);
    for (uint32_t i = 0; i < SITES; i++)
        for (uint32_t k = 0, size = 0; k < program[i].times; k++) {
            if (size == size_count(&program[i]))
                size = 0;
            end += memscope_sample_bytes(program[i].sizes[size]);
            blocks[block_count++] = (struct block){i, size, end};
            blocks_in_round[i][size++]++;
        }
    return end;
}

static uint32_t block_at(uint64_t byte) {
    uint32_t low = 0, high = block_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (blocks[middle].end <= byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Points of a Poisson process on all bytes of all rounds; a block with a point in it is sampled.
static void simulate(uint64_t rounds, uint64_t round_bytes, uint64_t interval,
                     struct tally *tally) {
    double position = 0;
    uint64_t latest_round = UINT64_MAX;
    uint32_t latest_block = 0;
    memset(tally, 0, sizeof *tally);
    for (;;) {
        position -= log(uniform()) * (double)interval;
        uint64_t round = (uint64_t)(position / (double)round_bytes);
        if (round >= rounds)
            return;
        uint64_t byte = (uint64_t)(position - (double)round * (double)round_bytes);
        uint32_t at = block_at(byte < round_bytes ? byte : round_bytes - 1);
        if (round == latest_round && at == latest_block)
            continue; // one more point in the same block
        latest_round = round;
        latest_block = at;
        const struct block *block = &blocks[at];
        tally->blocks[block->site][block->size]++;
        bool lives = round % 10 >= 10 - program[block->site].live_rounds;
        tally->live[block->site][block->size] += lives;
    }
}

// The profile that the runtime would write of it.
static void build_run(uint64_t rounds, uint64_t interval, const struct tally *tally) {
    uint64_t rest = 0, rest_bytes = 0;
    builder_begin(&b, 0);
    uint32_t thread = builder_thread(&b, 0, "main", 0);
    for (uint32_t i = 0; i < SITES; i++) {
        uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", i + 1, 1);
        for (uint32_t k = 0; k < size_count(&program[i]); k++) {
            uint64_t bytes = program[i].sizes[k], sampled = tally->blocks[i][k];
            uint64_t left = rounds * blocks_in_round[i][k] - sampled;
            rest += left;
            rest_bytes += left * bytes;
            if (sampled == 0)
                continue;
            struct memscope_cell_record *cell =
                builder_sampled_cell(&b, site, thread, interval, memscope_sample_bytes(bytes));
            builder_cell_counts(cell, sampled, bytes, tally->live[i][k]);
            cell->epoch = 1;
            cell->at_peak_bytes = cell->bytes / 2; // half of the blocks of each size
        }
    }
    struct memscope_cell_record *cell = builder_unsampled_cell(&b, thread);
    builder_count(cell, rest);
    cell->bytes = rest_bytes;
}

enum { FIGURES = 3 };

struct figure {
    double truth, sum;
    uint32_t covered;
};

static void take_figure(struct figure *figure, uint64_t estimate, double variance) {
    figure->sum += (double)estimate;
    figure->covered += fabs((double)estimate - figure->truth) <= ms_error_95(variance);
}

static void set_truth(struct figure figures[SITES][FIGURES], uint64_t rounds) {
    memset(figures, 0, sizeof(struct figure) * SITES * FIGURES);
    for (uint32_t i = 0; i < SITES; i++)
        for (uint32_t k = 0; k < size_count(&program[i]); k++) {
            double count = (double)rounds * blocks_in_round[i][k];
            figures[i][0].truth += count;
            figures[i][1].truth += count * program[i].sizes[k];
            figures[i][2].truth += count * program[i].sizes[k] * program[i].live_rounds / 10;
        }
}

// The mean lies within 1% of the truth, 93 to 97% of the intervals cover it.
// Where nearly all blocks are sampled there is no error to speak of: of these the mean alone.
static void expect_unbiased(struct figure figures[SITES][FIGURES], const double expected[SITES],
                            const double left_out[SITES]) {
    uint32_t intervals = 0, covered = 0, sites = 0;
    for (uint32_t i = 0; i < SITES; i++) {
        if (expected[i] < 1000)
            continue;
        sites++;
        for (uint32_t k = 0; k < FIGURES; k++) {
            const struct figure *one = &figures[i][k];
            double mean = one->sum / RUNS, samples = expected[i];
            if (k == 2) // that of what lives has fewer samples
                samples *= program[i].live_rounds / 10.0;
            if (samples < 1000)
                continue;
            ck_assert_msg(fabs(mean - one->truth) <= 0.01 * one->truth,
                          "site %u, figure %u: %.1f in the mean, truth %.1f", i, k, mean,
                          one->truth);
            if (left_out[i] < 100)
                continue;
            // Of one site's 200 that part is known to 1.5% alone.
            ck_assert_msg(one->covered >= RUNS * 0.89 && one->covered <= RUNS * 0.995,
                          "site %u, figure %u: %u of %d intervals hold the truth", i, k,
                          one->covered, RUNS);
            intervals += RUNS;
            covered += one->covered;
        }
    }
    printf("%u sites, %u intervals, %.2f%% of them hold the truth\n", sites, intervals,
           100.0 * covered / intervals);
    ck_assert_uint_ge(sites, 5);
    ck_assert(covered >= 0.93 * intervals && covered <= 0.97 * intervals);
}

static void simulate_at(double rate, uint64_t rounds) {
    static struct tally tally;
    struct figure figures[SITES][FIGURES];
    double expected[SITES] = {0}, left_out[SITES] = {0};
    uint64_t interval = (uint64_t)llround(-1024 / log1p(-rate)), round_bytes = lay_out_a_round();
    set_truth(figures, rounds);
    for (uint32_t i = 0; i < SITES; i++)
        for (uint32_t k = 0; k < size_count(&program[i]); k++) {
            double all = (double)rounds * blocks_in_round[i][k];
            uint64_t counted = memscope_sample_bytes(program[i].sizes[k]);
            double sampled = all * probability(counted, interval);
            expected[i] += sampled;
            left_out[i] += all - sampled;
        }
    for (uint64_t run = 1; run <= RUNS; run++) {
        seed_random(run);
        simulate(rounds, round_bytes, interval, &tally);
        build_run(rounds, interval, &tally);
        sum_up();
        ck_assert_uint_eq(summary->site_count, SITES);
        uint64_t whole = 0;
        for (uint32_t i = 0; i < SITES; i++) {
            const struct ms_counts *counts = &summary->sites[i].counts;
            take_figure(&figures[i][0], counts->allocations, counts->variance.allocations);
            take_figure(&figures[i][1], counts->bytes, counts->variance.bytes);
            take_figure(&figures[i][2], counts->live_bytes, counts->variance.live_bytes);
            whole += (uint64_t)figures[i][0].truth;
        }
        ck_assert_uint_eq(summary->total.allocations, whole); // exact, whatever was sampled
        let_go();
    }
    expect_unbiased(figures, expected, left_out);
}

START_TEST(half_of_1_kib_blocks_sampled_gives_unbiased_estimates) {
    simulate_at(0.5, 1000);
}
END_TEST

START_TEST(a_tenth_of_1_kib_blocks_sampled_gives_unbiased_estimates) {
    simulate_at(0.1, 5000);
}
END_TEST

START_TEST(a_hundredth_of_1_kib_blocks_sampled_gives_unbiased_estimates) {
    simulate_at(0.01, 50000);
}
END_TEST

static const struct claim claims[] = {
    CLAIM(half_of_1_kib_blocks_sampled_gives_unbiased_estimates),
    CLAIM(a_tenth_of_1_kib_blocks_sampled_gives_unbiased_estimates),
    CLAIM(a_hundredth_of_1_kib_blocks_sampled_gives_unbiased_estimates),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
