# `cpack` in the build folder makes a Debian package of the program, which brings what it loads of LibTorch along (Debian's own
# LibTorch is too old): charrnn-dist_<version>_<architecture>.deb. The library for C++ is left out, as it would need LibTorch's
# headers. docs/packages.md says how to use it.
if(NOT CHARRNN_PROGRAM OR CHARRNN_CUDA)
  return()  # CUDA's libraries would be 4 GB
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME charrnn-dist)
set(CPACK_PACKAGE_CONTACT "charrnn_dist maintainers <maintainers@charrnn-dist.example>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "trains character-level recurrent language models
RNN, GRU and LSTM over the characters of a text, trained on one rank or many, and sampled from.
It brings a copy of LibTorch for CPUs.")
# Libraries by what the program loads; mpirun, and Python for charrnn_run, are started by name.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${LibTorch_RPATH})
set(CPACK_DEBIAN_PACKAGE_DEPENDS "openmpi-bin, python3")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-matplotlib")

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_PACKAGE_NAME} RENAME copyright
  COMPONENT package EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS)
foreach(component program bundle package)
  list(APPEND CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR}" ${PROJECT_NAME} ${component} /)
endforeach()
include(CPack)
