/* Preloaded into ranks, gives each a host name of its own: NCCL, which refuses two ranks on one GPU of one host, then takes them
   for nodes and joins them over sockets. */
#include <stdio.h>
#include <stdlib.h>

int gethostname(char* name, size_t size) {
  const char* rank = getenv("OMPI_COMM_WORLD_RANK");
  return snprintf(name, size, "n%s", rank ? rank : "") < (int)size ? 0 : -1;
}
