# What `cmake --install` puts where:
#   bin/                      charrnn_dist, known_entropy, and scripts of launch/ as charrnn_run, charrnn_plot, …
#   lib/charrnn_dist/         libcharrnn_torch.so, which the programs load where they need LibTorch (not in a CUDA build)
#   lib/, include/charrnn/    charrnn_core for programs that use it: find_package(charrnn)
#   share/charrnn/            configs, a small trained model, the batch scripts for SLURM, a module file, the scripts themselves
#   share/man, share/…        manual pages and completion, generated from the program's own table of options
#
# Components: `library` is charrnn_core and include/, `program` is the rest. `bundle`, which is installed only where it is asked for
# (--component bundle, after the rest), copies what the program loads of LibTorch to lib/charrnn_dist/, and makes the program
# look nowhere else: such a prefix can be moved to a machine without LibTorch.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/charrnn")
install(TARGETS charrnn_core EXPORT charrnn ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
# All headers but those of the engines' insides, and those that need the headers of LibTorch, HDF5 or nlohmann-json.
install(DIRECTORY src/base src/config src/data src/models src/checkpoint src/sample src/train
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/charrnn COMPONENT library FILES_MATCHING PATTERN "*.hpp" PATTERN native EXCLUDE
  PATTERN torch EXCLUDE REGEX "/(flat_tensor|cuda/device|cuda/recurrence_kernels|hdf5_input|format|safetensors_input)\\.hpp$" EXCLUDE)
install(FILES src/dist/agreement.hpp src/dist/communicator.hpp src/dist/control_communicator.hpp
  src/dist/deadline.hpp src/dist/device_choice.hpp src/dist/gpu_failure.hpp src/dist/roll_call.hpp
  src/dist/self_communicator.hpp src/dist/shared_file.hpp src/dist/topology.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/charrnn/dist COMPONENT library)
install(EXPORT charrnn NAMESPACE charrnn:: DESTINATION ${package_dir} COMPONENT library)
configure_package_config_file(cmake/charrnnConfig.cmake.in charrnnConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(charrnnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/charrnnConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/charrnnConfigVersion.cmake"
  cmake/FindLibTorch.cmake DESTINATION ${package_dir} COMPONENT library)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

if(CHARRNN_PROGRAM)
  set(bundled lib/charrnn_dist)
  set(programs charrnn_dist known_entropy)
  set_target_properties(${programs} PROPERTIES INSTALL_RPATH "$ORIGIN/../${bundled};${LibTorch_RPATH}")
  install(TARGETS ${programs} RUNTIME_DEPENDENCY_SET loaded RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  if(TARGET charrnn_libtorch)  # then it is what finds LibTorch, and the programs find it
    set_target_properties(${programs} PROPERTIES INSTALL_RPATH "$ORIGIN/../${bundled}")
    set_target_properties(charrnn_libtorch PROPERTIES INSTALL_RPATH "$ORIGIN;${LibTorch_RPATH}")
    install(TARGETS charrnn_libtorch RUNTIME_DEPENDENCY_SET loaded LIBRARY DESTINATION ${bundled} COMPONENT program)
  endif()
  install(DIRECTORY configs models DESTINATION ${CMAKE_INSTALL_DATADIR}/charrnn COMPONENT program)
  install(FILES cluster/slurm/train.sbatch cluster/slurm/sweep.sbatch
    DESTINATION ${CMAKE_INSTALL_DATADIR}/charrnn/cluster/slurm COMPONENT program)
  install(FILES cluster/modulefiles/charrnn_dist.lua RENAME ${PROJECT_VERSION}.lua
    DESTINATION ${CMAKE_INSTALL_DATADIR}/charrnn/modulefiles/charrnn_dist COMPONENT program)

  set(manual "${PROJECT_BINARY_DIR}/manual")  # tools/manual writes it
  install(DIRECTORY "${manual}/" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program FILES_MATCHING PATTERN "*.1")
  install(FILES "${manual}/charrnn_dist.bash" RENAME charrnn_dist
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
  install(FILES "${manual}/_charrnn_dist" DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT program)

  # The scripts that are of use without the sources, and a link to each on the PATH.
  set(scripts run sweep plot results track fetch_corpus)
  list(TRANSFORM scripts PREPEND launch/ OUTPUT_VARIABLE script_files)
  install(FILES launch/common.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/charrnn/launch COMPONENT program)
  install(PROGRAMS ${script_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/charrnn/launch COMPONENT program)
  install(DIRECTORY python/charrnn DESTINATION ${CMAKE_INSTALL_DATADIR}/charrnn/python COMPONENT program
    FILES_MATCHING PATTERN "*.py")
  file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/links")
  foreach(script ${scripts})
    file(CREATE_LINK "../share/charrnn/launch/${script}" "${PROJECT_BINARY_DIR}/links/charrnn_${script}" SYMBOLIC)
    install(FILES "${PROJECT_BINARY_DIR}/links/charrnn_${script}" DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  endforeach()

  # Of all that the program loads, what lies in LibTorch's folders; a system's libraries come with the system.
  list(TRANSFORM LibTorch_RPATH REPLACE "([][+.*()^$?])" "\\\\\\1" OUTPUT_VARIABLE own)
  list(TRANSFORM own PREPEND "^")
  list(TRANSFORM own APPEND "/")
  install(RUNTIME_DEPENDENCY_SET loaded POST_INCLUDE_REGEXES ${own} POST_EXCLUDE_REGEXES "."
    LIBRARY DESTINATION ${bundled} COMPONENT bundle EXCLUDE_FROM_ALL)
  # What CMake's own install scripts call; its documentation does not have it.
  function(look_only_in folder file)
    install(CODE "file(RPATH_SET FILE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${file}\" NEW_RPATH [[${folder}]])"
      COMPONENT bundle EXCLUDE_FROM_ALL)
  endfunction()
  if(TARGET charrnn_libtorch)
    look_only_in("\$ORIGIN" ${bundled}/libcharrnn_torch.so)
  else()
    foreach(program ${programs})
      look_only_in("\$ORIGIN/../${bundled}" ${CMAKE_INSTALL_BINDIR}/${program})
    endforeach()
  endif()
  cmake_path(SET wheels NORMALIZE "${LibTorch_INCLUDE_DIR}/../..")
  file(GLOB licences LIST_DIRECTORIES true RELATIVE "${wheels}" "${wheels}/torch-*.dist-info/licenses"
    "${wheels}/nvidia_cuda_runtime-*.dist-info/licenses" "${wheels}/nvidia_cuda_cupti-*.dist-info/licenses")
  foreach(licence ${licences})
    cmake_path(GET licence PARENT_PATH wheel)
    string(REGEX REPLACE "-.*" "" wheel "${wheel}")
    install(DIRECTORY "${wheels}/${licence}/" DESTINATION ${CMAKE_INSTALL_DOCDIR}/bundled/${wheel}
      COMPONENT bundle EXCLUDE_FROM_ALL)
  endforeach()
endif()
