// Preloaded into the program: the system's resolver never answers for names that begin with `hangs`,
// and takes two seconds for those that begin with `slow`, which are this machine's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

static int begins(const char *name, const char *with) {
    return name && strncmp(name, with, strlen(with)) == 0;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real)
        real = dlsym(RTLD_NEXT, "getaddrinfo");
    while (begins(name, "hangs"))
        pause();
    if (begins(name, "slow")) {
        sleep(2);
        name = "127.0.0.1";
    }
    return real(name, service, hints, found);
}
