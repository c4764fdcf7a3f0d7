"""A package for Spack. NOT TESTED: written after the build instructions, never built. LibTorch comes from Spack's py-torch, of
which the version that is pinned here may not exist yet. Spack has no dygraphs: dygraph.min.js and dygraph.min.css are looked
for in the folder dygraphs of the sources."""
from spack.package import *


class CharrnnDist(CMakePackage, CudaPackage):
    """Trains character-level recurrent language models on one rank or many."""

    license("MIT")

    version("0.6.0")  # of a local checkout: spack develop -p PATH charrnn-dist@0.6.0

    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("openmpi@4.1")
    depends_on("hdf5+cxx~mpi")
    depends_on("py-torch@2.11")
    depends_on("spdlog")
    depends_on("fmt")
    depends_on("tomlplusplus")
    depends_on("nlohmann-json")
    depends_on("openssl@3:")
    depends_on("utf8proc")
    depends_on("libarchive")
    depends_on("boost")  # headers
    depends_on("cpp-httplib")
    depends_on("zlib-api")
    depends_on("nccl@2.28:", when="+cuda")
    depends_on("python@3.9:", type="run")

    def cmake_args(self):
        torch = join_path(self.spec["py-torch"].prefix, self.spec["python"].package.platlib, "torch")
        return [self.define_from_variant("CHARRNN_CUDA", "cuda"), self.define("CMAKE_PREFIX_PATH", torch),
                self.define("dygraphs_dir", join_path(self.stage.source_path, "dygraphs"))]
