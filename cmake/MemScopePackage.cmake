# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The compiler wrappers and the CMake package, and their install rules (each folder installs what it
# builds). Both trees get the same files in the same places, so that everything finds the rest
# relative to itself. Read by the top-level CMakeLists.txt only.

include(CMakePackageConfigHelpers)

set(memscope_bin ${PROJECT_BINARY_DIR}/bin)
set(memscope_package ${PROJECT_BINARY_DIR}/lib/cmake/MemScope)

configure_file(${PROJECT_SOURCE_DIR}/cmake/memscope-clang.in ${memscope_bin}/memscope-clang
    @ONLY FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                           WORLD_READ WORLD_EXECUTE)
set(memscope_wrappers memscope-clang++)
foreach(major IN LISTS MEMSCOPE_LLVM_MAJORS)
    list(APPEND memscope_wrappers memscope-clang-${major} memscope-clang++-${major})
endforeach()
foreach(wrapper IN LISTS memscope_wrappers)
    file(CREATE_LINK memscope-clang ${memscope_bin}/${wrapper} SYMBOLIC)
    list(APPEND memscope_wrapper_files ${memscope_bin}/${wrapper})
endforeach()
install(PROGRAMS ${memscope_bin}/memscope-clang DESTINATION bin)
install(FILES ${memscope_wrapper_files} DESTINATION bin) # symbolic links stay links

configure_file(${PROJECT_SOURCE_DIR}/cmake/MemScopeConfig.cmake.in
               ${memscope_package}/MemScopeConfig.cmake @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/memscope-toolchain.cmake
               ${memscope_package}/memscope-toolchain.cmake COPYONLY)
write_basic_package_version_file(${memscope_package}/MemScopeConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${memscope_package}/MemScopeConfig.cmake
              ${memscope_package}/MemScopeConfigVersion.cmake
              ${memscope_package}/memscope-toolchain.cmake
        DESTINATION lib/cmake/MemScope)

if(NOT PROJECT_BINARY_DIR STREQUAL PROJECT_SOURCE_DIR)
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include SYMBOLIC)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/memscope DESTINATION include)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/memscope)
