/* A disk that fills up when the test says so: an SQLite VFS over the real one whose writes fail from the n-th on. */
#ifndef NEUROSCALE_TESTS_STORE_FULLFS_H
#define NEUROSCALE_TESTS_STORE_FULLFS_H
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

typedef struct fullfs_file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
} fullfs_file;

static struct {
	bool armed, tripped;
	long syncs; /* ever */
	long left;  /* writes that still succeed */
	int code;   /* what the failing ones say */
	bool once;  /* only one fails: somebody made room at once */
	sqlite3_vfs vfs, *real;
	sqlite3_io_methods methods;
} fullfs;

static inline void fullfs_arm(long writes, int code, bool once)
{
	fullfs.armed = true;
	fullfs.tripped = false;
	fullfs.left = writes;
	fullfs.code = code;
	fullfs.once = once;
}

static inline bool fullfs_disarm(void)
{
	fullfs.armed = false;
	return fullfs.tripped;
}

static inline bool fullfs_fails(void)
{
	if (!fullfs.armed || fullfs.left-- > 0 || (fullfs.once && fullfs.tripped))
		return false;
	fullfs.tripped = true;
	return true;
}

#define REAL(f)              (((fullfs_file *)(f))->real)
#define PASS(f, method, ...) (REAL(f)->pMethods->method(REAL(f), __VA_ARGS__))
static int ff_close(sqlite3_file *f)
{
	return REAL(f)->pMethods ? REAL(f)->pMethods->xClose(REAL(f)) : SQLITE_OK;
}
static int ff_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return PASS(f, xRead, p, n, at);
}
static int ff_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return fullfs_fails() ? fullfs.code : PASS(f, xWrite, p, n, at);
}
static int ff_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return fullfs_fails() ? SQLITE_IOERR_TRUNCATE : PASS(f, xTruncate, n);
}
static int ff_sync(sqlite3_file *f, int flags)
{
	fullfs.syncs++;
	return fullfs_fails() ? SQLITE_IOERR_FSYNC : PASS(f, xSync, flags);
}
static int ff_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return PASS(f, xFileSize, n);
}
static int ff_lock(sqlite3_file *f, int l)
{
	return PASS(f, xLock, l);
}
static int ff_unlock(sqlite3_file *f, int l)
{
	return PASS(f, xUnlock, l);
}
static int ff_reserved(sqlite3_file *f, int *out)
{
	return PASS(f, xCheckReservedLock, out);
}
static int ff_control(sqlite3_file *f, int op, void *arg)
{
	return PASS(f, xFileControl, op, arg);
}
static int ff_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}
static int ff_device(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}
static int ff_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
	return PASS(f, xShmMap, page, size, extend, p);
}
static int ff_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return PASS(f, xShmLock, at, n, flags);
}
static void ff_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}
static int ff_shm_unmap(sqlite3_file *f, int del)
{
	return PASS(f, xShmUnmap, del);
}

static int ff_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	fullfs_file *ff = (fullfs_file *)f;
	ff->real = (sqlite3_file *)(ff + 1);
	memset(ff->real, 0, (size_t)fullfs.real->szOsFile);
	int rc = fullfs.real->xOpen(fullfs.real, name, ff->real, flags, out);
	f->pMethods = rc == SQLITE_OK ? &fullfs.methods : NULL;
	return rc;
}

/* The other functions of the real VFS find their state in the copied struct. */
static inline void fullfs_install(void)
{
	fullfs.real = sqlite3_vfs_find(NULL);
	fullfs.vfs = *fullfs.real;
	fullfs.vfs.zName = "fullfs";
	fullfs.vfs.pNext = NULL;
	fullfs.vfs.szOsFile += (int)sizeof(fullfs_file);
	fullfs.vfs.xOpen = ff_open;
	fullfs.methods = (sqlite3_io_methods){.iVersion = 2,
	    .xClose = ff_close,
	    .xRead = ff_read,
	    .xWrite = ff_write,
	    .xTruncate = ff_truncate,
	    .xSync = ff_sync,
	    .xFileSize = ff_size,
	    .xLock = ff_lock,
	    .xUnlock = ff_unlock,
	    .xCheckReservedLock = ff_reserved,
	    .xFileControl = ff_control,
	    .xSectorSize = ff_sector,
	    .xDeviceCharacteristics = ff_device,
	    .xShmMap = ff_shm_map,
	    .xShmLock = ff_shm_lock,
	    .xShmBarrier = ff_shm_barrier,
	    .xShmUnmap = ff_shm_unmap};
	sqlite3_vfs_register(&fullfs.vfs, 1);
}
#endif
