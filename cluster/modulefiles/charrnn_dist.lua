-- For Lmod: `module use PREFIX/share/charrnn/modulefiles; module load charrnn_dist`. PREFIX is where this file lies, so that a
-- prefix can be moved.
help([[charrnn_dist trains character-level recurrent language models on one rank or many: charrnn_dist --help]])
whatis("Name: charrnn_dist")
whatis("Description: trainer of character-level recurrent language models")

local prefix = myFileName():match("(.*)/share/charrnn/modulefiles/")
prepend_path("PATH", pathJoin(prefix, "bin")) -- by which man finds the manual pages too
setenv("PMIX_MCA_gds", "hash") -- without it MPI start-up fails now and then
