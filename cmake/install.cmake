# What `cmake --install` puts where:
#   bin/                      charrnn_dist, known_entropy
#   lib/, include/charrnn/    charrnn_core for programs that use it: find_package(charrnn)
#   share/charrnn/            configs, a small trained model, the batch scripts for SLURM
#   share/man, share/…        manual pages and completion, generated from the program's own table of options
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/charrnn")
install(TARGETS charrnn_core EXPORT charrnn ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# All headers but those of the engines' insides, and those that need the headers of LibTorch, HDF5 or nlohmann-json.
install(DIRECTORY src/base src/config src/data src/models src/checkpoint src/sample src/train
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/charrnn FILES_MATCHING PATTERN "*.hpp" PATTERN native EXCLUDE
  PATTERN torch EXCLUDE REGEX "/(flat_tensor|gpu_stretches|hdf5_input|format|safetensors_input)\\.hpp$" EXCLUDE)
install(FILES src/dist/agreement.hpp src/dist/communicator.hpp src/dist/control_communicator.hpp
  src/dist/deadline.hpp src/dist/device_choice.hpp src/dist/gpu_failure.hpp src/dist/roll_call.hpp
  src/dist/self_communicator.hpp src/dist/shared_file.hpp src/dist/topology.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/charrnn/dist)
install(EXPORT charrnn NAMESPACE charrnn:: DESTINATION ${package_dir})
configure_package_config_file(cmake/charrnnConfig.cmake.in charrnnConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(charrnnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/charrnnConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/charrnnConfigVersion.cmake"
  cmake/FindLibTorch.cmake DESTINATION ${package_dir})
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(CHARRNN_PROGRAM)
  set_target_properties(charrnn_dist known_entropy PROPERTIES INSTALL_RPATH "${LibTorch_RPATH}")
  install(TARGETS charrnn_dist known_entropy RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY configs models DESTINATION ${CMAKE_INSTALL_DATADIR}/charrnn)
  install(FILES cluster/slurm/train.sbatch cluster/slurm/sweep.sbatch DESTINATION ${CMAKE_INSTALL_DATADIR}/charrnn/cluster/slurm)

  set(manual "${PROJECT_BINARY_DIR}/manual")  # tools/manual writes it
  install(DIRECTORY "${manual}/" DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
  install(FILES "${manual}/charrnn_dist.bash" RENAME charrnn_dist
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES "${manual}/_charrnn_dist" DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()
