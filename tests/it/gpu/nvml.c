/* A library in the shape of NVIDIA's libnvidia-ml.so.1, for tests: the GPUs are those of a script.
 *
 * The script is the file named by NVML_SCRIPT, read again whenever it was replaced. Its lines:
 *   init CODE           what nvmlInit_v2 returns (default 0)
 *   gpus N              how many (default 2)
 *   driver N            its incarnation: until the next nvmlInit_v2, nothing answers but with 1
 *   counting hangs      nvmlDeviceGetCount_v2 waits until the script no longer says so
 *   gpu I lost          every call about it returns 15
 *   gpu I hang          every call about it waits until the script no longer says so
 *   gpu I sentinels     every value is a mark for "not available"
 *   gpu I vgpu          what a guest with a virtual GPU sees
 *   gpu I mig N         divided into N instances, one place left free between the first two
 *   gpu I hot           88 °C and every reason to hold the clocks down, for as long as it lasts
 *   gpu I busy          works at full load, with traffic on its links
 *   gpu I watts W       its power; the energy counter follows the clock (default 300)
 *   gpu I xid X         an event with this number, once for each time that the line appears
 *   counting CODE       what nvmlDeviceGetCount_v2 returns
 *   gpu I noevents      reports no events
 *   gpu I nowait        lets nobody wait for events
 *   gpu I is J          the GPU at this index is the one that is at J by default
 *   gpu I odd           names that need escapes, or are no text; what it reserves is not available
 * GPUs have the UUIDs GPU-0000000I-0000-4000-8000-000000000000.
 *
 * Compiled with -DOLD it lacks what old drivers lack, with -DFEW what takes events and what frees.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, UNSUPPORTED = 3, MISSING = 6, TOO_SMALL = 7, TIMEOUT = 10, LOST = 15 };
enum { MOST_GPUS = 16, MOST_MIG = 7, MOST_EVENTS = 64, NO_VALUE = -1 };
typedef unsigned int u32;
typedef unsigned long long u64;

typedef struct Gpu {
    int lost, hang, sentinels, vgpu, mig, hot, busy, noevents, nowait, odd, is;
    double watts;
    u64 xids[MOST_EVENTS];
    int xid_count;
} Gpu;

/* What a handle points to: a GPU, or one of its instances. */
typedef struct Device { int gpu, instance; } Device;
typedef struct Set { Device *device; int taken; } Set;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Gpu gpus[MOST_GPUS];
static Device devices[MOST_GPUS], instances[MOST_GPUS][MOST_MIG + 1];
static int gpu_count, init_code, driver, initialized, counting, counting_hangs;
static struct timespec read_at;
static ino_t read_inode;

static void parse_gpu(char *words) {
    int index, used;
    char what[32];
    if (sscanf(words, "%d %31s%n", &index, what, &used) < 2 || index < 0 || index >= MOST_GPUS) return;
    Gpu *g = &gpus[index];
    double number = atof(words + used);
    if (!strcmp(what, "lost")) g->lost = 1;
    if (!strcmp(what, "hang")) g->hang = 1;
    if (!strcmp(what, "sentinels")) g->sentinels = 1;
    if (!strcmp(what, "vgpu")) g->vgpu = 1;
    if (!strcmp(what, "hot")) g->hot = 1;
    if (!strcmp(what, "busy")) g->busy = 1;
    if (!strcmp(what, "noevents")) g->noevents = 1;
    if (!strcmp(what, "nowait")) g->nowait = 1;
    if (!strcmp(what, "odd")) g->odd = 1;
    if (!strcmp(what, "is")) g->is = (int)number;
    if (!strcmp(what, "mig")) g->mig = (int)number;
    if (!strcmp(what, "watts")) g->watts = number;
    if (!strcmp(what, "xid") && g->xid_count < MOST_EVENTS) g->xids[g->xid_count++] = (u64)number;
}

static void parse(FILE *file) {
    char line[256];
    gpu_count = 2;
    init_code = driver = counting = counting_hangs = 0;
    memset(gpus, 0, sizeof gpus);
    for (int i = 0; i < MOST_GPUS; i++) {
        gpus[i].watts = 300;
        gpus[i].is = i;
        devices[i] = (Device){i, -1};
        for (int m = 0; m <= MOST_MIG; m++) instances[i][m] = (Device){i, m};
    }
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "init %d", &init_code);
        sscanf(line, "gpus %d", &gpu_count);
        sscanf(line, "driver %d", &driver);
        sscanf(line, "counting %d", &counting);
        if (!strncmp(line, "counting hangs", 14)) counting_hangs = 1;
        if (!strncmp(line, "gpu ", 4)) parse_gpu(line + 4);
    }
}

/* A copy of a GPU as the script has it now. */
static Gpu now(int index) {
    const char *name = getenv("NVML_SCRIPT");
    struct stat s;
    pthread_mutex_lock(&lock);
    int there = name && stat(name, &s) == 0;
    if (!devices[1].gpu) parse(NULL);
    int same = there && s.st_ino == read_inode && s.st_mtim.tv_sec == read_at.tv_sec &&
               s.st_mtim.tv_nsec == read_at.tv_nsec;
    if (there && !same) {
        FILE *file = fopen(name, "r");
        parse(file);
        if (file) fclose(file);
        read_at = s.st_mtim;
        read_inode = s.st_ino;
    }
    Gpu copy = gpus[index];
    pthread_mutex_unlock(&lock);
    return copy;
}

/* Every call about a device begins here. */
static int ask(Device *d, Gpu *g) {
    if (!d) return INVALID;
    while ((*g = now(d->gpu)).hang) nanosleep(&(struct timespec){0, 2000000}, NULL);
    if (initialized != driver) return UNINITIALIZED;
    return g->lost ? LOST : OK;
}
#define ASK(d) Gpu g; int asked = ask(d, &g); if (asked) return asked
#define ANSWER(out, value) do { *(out) = (value); if (g.sentinels) *(out) = NO_VALUE; return OK; } while (0)

static int inits;
/* As the real one: only the first does anything. */
int nvmlInit_v2(void) {
    now(0);
    if (init_code == OK && inits++ == 0) initialized = driver;
    return init_code;
}
#ifndef FEW
int nvmlShutdown(void) { inits--; return OK; }
#endif
int nvmlDeviceGetCount_v2(u32 *count) {
    do now(0); while (counting_hangs && !nanosleep(&(struct timespec){0, 2000000}, NULL));
    if (initialized != driver) return UNINITIALIZED;
    if (counting) return counting;
    *count = (u32)gpu_count;
    return OK;
}
int nvmlSystemGetDriverVersion(char *out, u32 n) { snprintf(out, n, "580.95.05"); return OK; }
int nvmlSystemGetProcessName(u32 pid, char *out, u32 n) {
    if (pid != 4242) return MISSING;
    snprintf(out, n, "/opt/venv/bin/python3 serve.py --api-key=not-a-real-secret");
    return OK;
}
int nvmlDeviceGetHandleByIndex_v2(u32 index, Device **out) {
    now(0);
    if ((int)index >= gpu_count) return INVALID;
    ASK(&devices[index]);
    *out = &devices[index];
    return OK;
}

int nvmlDeviceGetUUID(Device *d, char *out, u32 n) {
    ASK(d);
    if (d->instance < 0) snprintf(out, n, "GPU-%08x-0000-4000-8000-000000000000", g.is);
    else snprintf(out, n, "MIG-%08x-0000-4000-8000-%012x", d->gpu, d->instance);
    return OK;
}
int nvmlDeviceGetName(Device *d, char *out, u32 n) {
    ASK(d);
    snprintf(out, n, g.odd ? "NVIDIA \"A\\B\"\n{x=\"1\"} 9 # é%s" : "NVIDIA H100 80GB HBM3%s", d->instance < 0 ? "" : " MIG 1g.10gb");
    return OK;
}
typedef struct { char legacy[16]; u32 domain, bus, device, id, subsystem; char bus_id[32]; } Pci;
int nvmlDeviceGetPciInfo_v3(Device *d, Pci *out) {
    ASK(d);
    memset(out, 0, sizeof *out);
    snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", 0x1b + g.is);
    return OK;
}
int nvmlDeviceGetMinorNumber(Device *d, u32 *out) { ASK(d); ANSWER(out, (u32)d->gpu); }
int nvmlDeviceGetVbiosVersion(Device *d, char *out, u32 n) { ASK(d); snprintf(out, n, g.odd ? "\xff\xfe" : "96.00.89.00.01"); return OK; }
int nvmlDeviceGetArchitecture(Device *d, u32 *out) { ASK(d); ANSWER(out, 9); }
int nvmlDeviceGetVirtualizationMode(Device *d, u32 *out) { ASK(d); ANSWER(out, g.vgpu ? 2 : 0); }
int nvmlDeviceGetTemperatureThreshold(Device *d, u32 which, u32 *out) {
    static const u32 degrees[] = {92, 89, 95, 87};
    ASK(d);
    if (which > 3 || g.vgpu) return UNSUPPORTED;
    ANSWER(out, degrees[which]);
}

int nvmlDeviceGetUtilizationRates(Device *d, u32 *out) {
    ASK(d);
    if (g.mig) return UNSUPPORTED;
    out[1] = g.busy ? 60 : 25;
    if (g.sentinels) out[1] = NO_VALUE;
    ANSWER(out, g.busy ? 97 : 50 + (u32)d->gpu);
}
int nvmlDeviceGetEncoderUtilization(Device *d, u32 *out, u32 *period) { ASK(d); *period = 1; ANSWER(out, 0); }
int nvmlDeviceGetDecoderUtilization(Device *d, u32 *out, u32 *period) { ASK(d); *period = 1; ANSWER(out, 12); }
int nvmlDeviceGetTemperature(Device *d, u32 sensor, u32 *out) {
    ASK(d);
    if (sensor || g.vgpu) return UNSUPPORTED;
    ANSWER(out, g.hot ? 88 : 40 + (u32)d->gpu);
}
int nvmlDeviceGetPowerUsage(Device *d, u32 *out) {
    ASK(d);
    if (g.vgpu) return UNSUPPORTED;
    ANSWER(out, (u32)(g.watts * 1000));
}
int nvmlDeviceGetEnforcedPowerLimit(Device *d, u32 *out) {
    ASK(d);
    if (g.vgpu) return UNSUPPORTED;
    ANSWER(out, 700000);
}
int nvmlDeviceGetClockInfo(Device *d, u32 clock, u32 *out) {
    static const u32 mhz[] = {1980, 1975, 2619, 1545};
    ASK(d);
    if (clock > 3) return INVALID;
    ANSWER(out, g.hot && clock < 2 ? mhz[clock] * 2 / 3 : mhz[clock]);
}
int nvmlDeviceGetPerformanceState(Device *d, u32 *out) { ASK(d); *out = g.sentinels ? 32 : 0; return OK; }
int nvmlDeviceGetPcieReplayCounter(Device *d, u32 *out) { ASK(d); ANSWER(out, 3); }
int nvmlDeviceGetTotalEccErrors(Device *d, u32 kind, u32 scope, u64 *out) {
    ASK(d);
    if (g.vgpu) return UNSUPPORTED;
    ANSWER(out, kind * 10 + scope);
}

#ifndef OLD
typedef struct { u32 version; u64 total, reserved, free, used; } Memory;
int nvmlDeviceGetMemoryInfo_v2(Device *d, Memory *out) {
    ASK(d);
    u64 total = d->instance < 0 ? 80ULL << 30 : 10ULL << 30;
    out->total = g.sentinels ? 0 : total;
    out->reserved = g.sentinels ? 0 : g.odd ? (u64)NO_VALUE : 1ULL << 30;
    u64 used = g.busy ? total / 8 * 7 : total / 2;
    out->used = g.sentinels ? 0 : used;
    out->free = g.sentinels ? 0 : total - used - (1ULL << 30);
    return OK;
}
static u64 clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 1000000000ULL + (u64)t.tv_nsec;
}
int nvmlDeviceGetTotalEnergyConsumption(Device *d, u64 *out) {
    ASK(d);
    if (g.vgpu) return UNSUPPORTED;
    ANSWER(out, (u64)(g.watts * ((double)clock_ns() / 1e6)));
}
int nvmlDeviceGetNumFans(Device *d, u32 *out) { ASK(d); *out = 1; return OK; }
int nvmlDeviceGetFanSpeed_v2(Device *d, u32 fan, u32 *out) { ASK(d); if (fan) return INVALID; ANSWER(out, 105); }
int nvmlDeviceGetCurrentClocksThrottleReasons(Device *d, u64 *out) { ASK(d); ANSWER(out, g.hot ? 0x1ff : 0x8000000000000001ULL); }

/* Nanoseconds for which it was hot, as far as somebody looked. */
static u64 held(int gpu, int hot) {
    static u64 total[MOST_GPUS], looked_at[MOST_GPUS];
    u64 at = clock_ns();
    pthread_mutex_lock(&lock);
    if (hot && looked_at[gpu]) total[gpu] += at - looked_at[gpu];
    looked_at[gpu] = at;
    u64 sum = total[gpu];
    pthread_mutex_unlock(&lock);
    return sum;
}
typedef struct { u32 field, scope; long long at, latency; u32 type; int code; union { double d; u32 ui; u64 ull; long long sll; } v; } Field;
int nvmlDeviceGetFieldValues(Device *d, int count, Field *fields) {
    ASK(d);
    u64 hot_for = held(d->gpu, g.hot), traffic = g.busy ? clock_ns() : 0;
    for (int i = 0; i < count; i++) {
        Field *f = &fields[i];
        f->code = g.vgpu ? UNSUPPORTED : OK;
        f->type = 3; /* unsigned long long */
        switch (f->field) {
        case 82: f->type = 1; f->v.ui = g.hot ? 96 : 55; break;
        case 74: case 76: case 269: case 270: case 271: f->v.ull = f->field * 1000000000ULL + hot_for; break;
        case 142: f->v.ull = 2; break;
        case 143: f->v.ull = 1; break;
        case 144: case 145: f->type = 1; f->v.ui = (u32)g.hot; break;
        case 91: f->type = 1; f->v.ui = 18; break;
        case 38: case 45: case 52: case 59: case 160: f->v.ull = f->field; break;
        case 138: case 139: f->v.ull = f->field + traffic / 10000; break; /* KiB */
        case 197: case 198: f->type = 4; f->v.sll = f->field * 1000 + (long long)traffic; break;
        default: f->code = INVALID;
        }
        if (!g.sentinels) continue;
        if (f->type == 1) f->v.ui = NO_VALUE;
        else f->v.sll = NO_VALUE;
    }
    return OK;
}

int nvmlDeviceGetMigMode(Device *d, u32 *current, u32 *pending) {
    ASK(d);
    if (g.vgpu) return UNSUPPORTED;
    *pending = g.mig > 0;
    ANSWER(current, *pending);
}
int nvmlDeviceGetMaxMigDeviceCount(Device *d, u32 *out) { ASK(d); *out = MOST_MIG; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(Device *d, u32 index, Device **out) {
    ASK(d);
    int last = g.mig > 1 ? g.mig : g.mig - 1; /* place 1 is free where there are more */
    if ((int)index > last || (g.mig > 1 && index == 1)) return MISSING;
    *out = &instances[d->gpu][index];
    return OK;
}

typedef struct { u32 pid; u64 used; u32 gpu_instance, compute_instance; } Process;
static int processes(Gpu *g, u32 *count, Process *out, int compute) {
    u32 there = compute ? 2 : 0, room = *count;
    *count = there;
    if (!there) return OK;
    if (room < there) return TOO_SMALL;
    out[0] = (Process){4242, g->sentinels ? (u64)NO_VALUE : 30ULL << 30, (u32)-1, (u32)-1};
    out[1] = (Process){4343, (u64)NO_VALUE, (u32)-1, (u32)-1};
    return OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(Device *d, u32 *n, Process *out) { ASK(d); return processes(&g, n, out, 1); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(Device *d, u32 *n, Process *out) { ASK(d); return processes(&g, n, out, 0); }

/* Events do not ask: a driver reports those of a GPU that is lost. */
typedef struct { Device *device; u64 type, data; u32 gpu_instance, compute_instance; } Event;
int nvmlDeviceGetSupportedEventTypes(Device *d, u64 *out) { ASK(d); *out = g.noevents ? 0 : 8; return OK; }
int nvmlEventSetCreate(Set **out) { *out = calloc(1, sizeof **out); return OK; }
#ifndef FEW
int nvmlEventSetFree(Set *set) { free(set); return OK; }
#endif
int nvmlDeviceRegisterEvents(Device *d, u64 types, Set *set) {
    (void)types;
    ASK(d);
    set->device = d;
    return OK;
}
#ifndef FEW
int nvmlEventSetWait_v2(Set *set, Event *out, u32 timeout_ms) {
    (void)timeout_ms;
    Gpu g = now(set->device->gpu);
    if (g.nowait) return UNSUPPORTED;
    if (set->taken >= g.xid_count) return TIMEOUT;
    memset(out, 0, sizeof *out);
    out->device = set->device;
    out->type = 8;
    out->data = g.xids[set->taken++];
    return OK;
}
#endif
#endif
