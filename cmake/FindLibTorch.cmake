# Finds LibTorch in an unpacked archive or in the PyPI wheel, without a CUDA toolkit (find_package(Torch) wants one).
#
# Looks in CMAKE_PREFIX_PATH first, then where launch/install puts the wheel. Defines
#   LibTorch::headers  the include folders (they carry their own copy of fmt: keep them away from other code)
#   LibTorch::cpu      libtorch_cpu, to link
#   LibTorch::cuda     the same with libtorch_cuda, if this LibTorch has it
# and LibTorch_RPATH, the folders in which its libraries and their CUDA companions lie.

set(_torch_version 2.11.0)
if(DEFINED ENV{CHARRNN_CACHE})
  set(_cache "$ENV{CHARRNN_CACHE}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(_cache "$ENV{XDG_CACHE_HOME}/charrnn_dist")
else()
  set(_cache "$ENV{HOME}/.cache/charrnn_dist")
endif()
file(GLOB _wheel "${_cache}/torch-${_torch_version}/lib/python3*/site-packages/torch")

find_path(LibTorch_INCLUDE_DIR ATen/ATen.h PATH_SUFFIXES include libtorch/include HINTS ${_wheel})
cmake_path(GET LibTorch_INCLUDE_DIR PARENT_PATH _root)
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS "${_root}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 HINTS "${_root}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_CUDA_LIBRARY torch_cuda HINTS "${_root}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_CUDA_LIBRARY c10_cuda HINTS "${_root}/lib" NO_DEFAULT_PATH)
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_CUDA_LIBRARY
                 LibTorch_C10_CUDA_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run launch/install, or point CMAKE_PREFIX_PATH at a LibTorch ${_torch_version}")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  set(LibTorch_RPATH "${_root}/lib")
  # The wheel keeps its CUDA libraries in sibling packages; they must win over a toolkit's copies.
  foreach(_package nccl cu13 cudnn)
    cmake_path(SET _dir NORMALIZE "${_root}/../nvidia/${_package}/lib")
    if(EXISTS "${_dir}")
      list(APPEND LibTorch_RPATH "${_dir}")
    endif()
  endforeach()
  add_library(LibTorch::headers INTERFACE IMPORTED)
  target_include_directories(LibTorch::headers SYSTEM INTERFACE
    "${LibTorch_INCLUDE_DIR}" "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  add_library(LibTorch::cpu INTERFACE IMPORTED)
  target_link_libraries(LibTorch::cpu INTERFACE "${LibTorch_CPU_LIBRARY}" "${LibTorch_C10_LIBRARY}" pthread)
  target_link_options(LibTorch::cpu INTERFACE -Wl,--allow-shlib-undefined)
  if(LibTorch_CUDA_LIBRARY)
    add_library(LibTorch::cuda INTERFACE IMPORTED)
    # Nothing of ours calls into libtorch_cuda by name, it registers its kernels on load: keep it linked.
    target_link_libraries(LibTorch::cuda INTERFACE
      LibTorch::cpu "${LibTorch_C10_CUDA_LIBRARY}" -Wl,--no-as-needed "${LibTorch_CUDA_LIBRARY}" -Wl,--as-needed)
  endif()
endif()
