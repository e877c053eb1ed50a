/* For tests only: bcryptprimitives.dll, which Rust's standard library imports and Wine 8 does not have. Its one function, which fills
   a buffer with random bytes, is the older SystemFunction036 (RtlGenRandom) of advapi32.dll. */
#include <stddef.h>

__declspec(dllimport) unsigned char __stdcall SystemFunction036(void *buffer, unsigned long length);

__declspec(dllexport) int __stdcall ProcessPrng(unsigned char *buffer, size_t length)
{
    while (length != 0) {
        unsigned long part = length > 0x10000000 ? 0x10000000 : (unsigned long)length;
        if (!SystemFunction036(buffer, part))
            return 0;
        buffer += part;
        length -= part;
    }
    return 1;
}
