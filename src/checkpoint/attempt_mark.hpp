// How an attempt is called in its run's folder, so that others can tell whether it still trains.
#pragma once

#include <sys/types.h>

#include <string>

namespace charrnn {

/// What the file <run>/attempt says, one line:
///
///     <host> <process> restart <SLURM's count> <16 random digits> <boot id>/<PID namespace> <start of the process> <job>
///
/// What is not known is a -. The last three are missing in the files of version 0.5 and earlier.
struct AttemptMark {
  std::string line;   ///< all of it; no two attempts have the same
  std::string host;   ///< empty if the line could not be read
  pid_t process = 0;  ///< its number in its PID namespace
  std::string place;  ///< where that number means something: the boot of a machine, and a PID namespace in it
  std::string start;  ///< of the process, in clock ticks since that boot: numbers are used again
  std::string job;    ///< this_job() of the attempt

  enum class State {
    kAlive,
    kEnded,
    kUnknown,  ///< of another machine, boot or container, from which this process cannot see
  };
  State state() const;
};

/// A new mark of this process.
AttemptMark make_mark();
/// The mark with this line.
AttemptMark parse_mark(const std::string& line);

}  // namespace charrnn
