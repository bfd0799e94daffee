// Nothing is called by name: a process is given this library by LD_PRELOAD, and the file system that FULL_DISK names then
// seems to be nearly full.
