# Shared by the scripts of launch/: where things lie and how messages look. Sourced, never run.
# Needs: `root` (the checkout, or PREFIX/share/charrnn after `cmake --install`) set by the script that sources it.
# shellcheck shell=bash disable=SC2034,SC2154

torch_version=2.11.0
cache="${CHARRNN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/charrnn_dist}"
torch_env="$cache/torch-$torch_version" # a Python environment that holds the torch wheel; CMake looks here too

# What one types to run the script: launch/run in a clone, charrnn_run where it is installed.
called=$(basename "$0")
if [ -e "$root/CMakeLists.txt" ]; then called=$(realpath --relative-to="$root" "$0"); fi

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
if [ ! -t 1 ]; then say() { printf '==> %s\n' "$*"; }; fi

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit "${exit_code:-1}"
}

# Open MPI refuses to run as root unless told twice; say so only where it is needed.
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# The processors this shell may use, as a container or a batch system has limited them.
cores() {
  local cores quota period
  cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc) # which nproc would give back
  read -r quota period <<<"$(cat /sys/fs/cgroup/cpu.max 2>/dev/null || paste /sys/fs/cgroup/cpu/cpu.cfs_{quota,period}_us 2>/dev/null)"
  if [[ $quota =~ ^[1-9] ]]; then # not "max", not -1
    quota=$((quota / period > 1 ? quota / period : 1))
    cores=$((quota < cores ? quota : cores))
  fi
  echo "$cores"
}

# Sets `gpus`, the number of GPUs here that CUDA_VISIBLE_DEVICES allows, and `program`: CHARRNN_PROGRAM, or the built program
# that suits this machine.
find_program() {
  # Without a driver nvidia-smi fails, and may say so where the list would be.
  gpus=$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU ' || true)
  if [ -n "${CUDA_VISIBLE_DEVICES+set}" ]; then
    local visible
    IFS=, read -ra visible <<<"${CUDA_VISIBLE_DEVICES/#-1/}" # -1 and nothing both mean none
    [ "${#visible[@]}" -ge "$gpus" ] || gpus=${#visible[@]}
  fi
  program=$root/build/release/charrnn_dist
  if [ "$gpus" -gt 0 ] && [ -x "$root/build/cuda/charrnn_dist" ]; then program=$root/build/cuda/charrnn_dist; fi
  if [ ! -e "$root/CMakeLists.txt" ]; then program=$(cd "$root/../.." && pwd)/bin/charrnn_dist; fi # installed
  program=${CHARRNN_PROGRAM:-$program}
  [ -x "$program" ] || exit_code=2 die "there is no $program: run launch/quickstart, or cmake --preset release && cmake --build --preset release"
}

# Sets `python`: one that knows our package, and what launch/install brought for it. It is given files, never -m, which would
# import what lies in the user's folder.
find_python() {
  python=$torch_env/bin/python
  [ -x "$python" ] || python=$(command -v python3) || exit_code=2 die "there is no python3: run launch/install, or install it"
  export PYTHONPATH="$root/python${PYTHONPATH:+:$PYTHONPATH}"
}

# Becomes that Python.
run_python() {
  find_python
  exec "$python" "$@"
}

# Configures and builds one preset into build/<preset>/; all its chatter goes to build/<preset>.log.
build_preset() {
  local preset=$1 log="$root/build/$1.log" start=$SECONDS
  shift
  mkdir -p "$root/build"
  say "building preset '$preset' (log: build/$preset.log)"
  if ! (cd "$root" && cmake --preset "$preset" && cmake --build --preset "$preset" --parallel "$(cores)" "$@") >"$log" 2>&1; then
    grep -E -m 20 'error|Error|FAILED' "$log" >&2 || tail -n 20 "$log" >&2
    die "the build of preset '$preset' failed; everything it printed is in $log"
  fi
  say "built in $((SECONDS - start)) s"
}
