// The whole of libpq that the relay calls. Nothing is added: what Swift cannot import, it does not use.
#include <libpq-fe.h>
// The toolchain's Glibc module leaves eventfd(2) out; a connection's thread is woken by one.
#include <sys/eventfd.h>
