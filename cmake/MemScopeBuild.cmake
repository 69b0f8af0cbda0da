# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# How MemScope itself is compiled. Read by the top-level CMakeLists.txt only.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # glibc's own functions are part of the subject
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# The wrappers and `memscope` look for lib/ beside bin/, so the folder is `lib` on every machine.
set(CMAKE_INSTALL_LIBDIR lib)

add_compile_options(-Wall -Wextra)
if(MEMSCOPE_WERROR)
    add_compile_options(-Werror)
endif()

# Sets MEMSCOPE_LLVM_MAJORS to what is found (or asked for), MEMSCOPE_LLVM_DEFAULT_MAJOR,
# and for each N: MEMSCOPE_LLVM_CONFIG_N (llvm-config), MEMSCOPE_CLANG_N, MEMSCOPE_CLANGXX_N.
function(memscope_find_llvm)
    set(memscope_supported_majors 19 14 22) # the first one present is the default
    set(memscope_majors_found "")
    if(MEMSCOPE_LLVM_MAJORS)
        set(memscope_majors_wanted ${MEMSCOPE_LLVM_MAJORS})
    else()
        set(memscope_majors_wanted ${memscope_supported_majors})
    endif()
    foreach(major IN LISTS memscope_majors_wanted)
        if(NOT major IN_LIST memscope_supported_majors)
            message(FATAL_ERROR "MEMSCOPE_LLVM_MAJORS names LLVM ${major}; "
                                "supported are ${memscope_supported_majors}")
        endif()
        find_program(MEMSCOPE_LLVM_CONFIG_${major} llvm-config-${major})
        find_program(MEMSCOPE_CLANG_${major} clang-${major})
        find_program(MEMSCOPE_CLANGXX_${major} clang++-${major})
        set(headers "")
        if(MEMSCOPE_LLVM_CONFIG_${major})
            execute_process(COMMAND ${MEMSCOPE_LLVM_CONFIG_${major}} --includedir
                            OUTPUT_VARIABLE headers OUTPUT_STRIP_TRAILING_WHITESPACE)
        endif()
        if(headers AND EXISTS ${headers}/llvm/IR/PassManager.h AND MEMSCOPE_CLANG_${major}
           AND MEMSCOPE_CLANGXX_${major})
            list(APPEND memscope_majors_found ${major})
        elseif(MEMSCOPE_LLVM_MAJORS)
            message(FATAL_ERROR "LLVM ${major} was asked for, but clang-${major} or its headers are "
                                "missing: install clang-${major} and llvm-${major}-dev")
        endif()
    endforeach()
    if(NOT memscope_majors_found)
        message(FATAL_ERROR "No supported LLVM found: install clang-19 and llvm-19-dev "
                            "(scripts/install-packages build does)")
    endif()
    list(GET memscope_majors_found 0 default)
    if(19 IN_LIST memscope_majors_found)
        set(default 19)
    endif()
    list(REMOVE_ITEM memscope_majors_found ${default})
    list(PREPEND memscope_majors_found ${default})
    set(MEMSCOPE_LLVM_MAJORS ${memscope_majors_found} PARENT_SCOPE)
    set(MEMSCOPE_LLVM_DEFAULT_MAJOR ${default} PARENT_SCOPE)
    message(STATUS "MemScope ${PROJECT_VERSION}: plugin for LLVM ${memscope_majors_found}, "
                   "default ${default}")
endfunction()

function(memscope_add_folder folder)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
        add_subdirectory(${folder})
    endif()
endfunction()

# Sanitizes the given targets and whatever links them. The plugin and the runtime stay as they are:
# one lives inside the compiler, the other would fight the sanitizer for malloc.
function(memscope_apply_sanitizers)
    if(NOT MEMSCOPE_SANITIZE)
        return()
    endif()
    set(flags -fsanitize=${MEMSCOPE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    foreach(target IN LISTS ARGN)
        if(TARGET ${target})
            target_compile_options(${target} PUBLIC ${flags})
            target_link_options(${target} PUBLIC ${flags})
        endif()
    endforeach()
endfunction()
