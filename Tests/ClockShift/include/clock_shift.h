// Nothing is called by name: a process is given this library by LD_PRELOAD, and its clocks then say what a file wants.
