// The whole of libpq that the relay calls. Nothing is added: what Swift cannot import, it does not use.
#include <libpq-fe.h>
