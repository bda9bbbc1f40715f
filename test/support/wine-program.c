/* A program of Windows that runs the command file C:\stubs\NAME.cmd with its own arguments, and exits with its code.
 * NAME is its own file name without ending. It has no imports: it finds its functions in the loaded kernel32. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define WINAPI __attribute__((ms_abi))

typedef u16 *(WINAPI *GetCommandLineW)(void);
typedef u32(WINAPI *GetModuleFileNameW)(void *, u16 *, u32);
typedef int(WINAPI *CreateProcessW)(u16 *, u16 *, void *, void *, int, u32, void *, u16 *, void *, void *);
typedef u32(WINAPI *WaitForSingleObject)(void *, u32);
typedef int(WINAPI *GetExitCodeProcess)(void *, u32 *);
typedef void(WINAPI *ExitProcess)(u32);

static u8 *at(u8 *base, u64 offset) { return *(u8 **)(base + offset); }

/* The second and third module in the order of initialization are ntdll and kernel32; the name decides. */
static u8 *kernel32(void) {
  u8 *peb;
  __asm__("movq %%gs:0x60, %0" : "=r"(peb));
  u8 *head = at(peb, 0x18) + 0x20;
  for (u8 *link = at(head, 0); link != head; link = at(link, 0)) {
    u16 *name = (u16 *)at(link, 0x50);
    u16 bytes = *(u16 *)(link + 0x48);
    if (bytes == 24 && (name[0] | 0x20) == 'k' && name[6] == '3' && name[7] == '2') return at(link, 0x20);
  }
  return 0;
}

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static void *function(u8 *dll, const char *name) {
  u8 *header = dll + *(u32 *)(dll + 60);
  u8 *exports = dll + *(u32 *)(header + 24 + 112);
  u32 count = *(u32 *)(exports + 24);
  u32 *functions = (u32 *)(dll + *(u32 *)(exports + 28));
  u32 *names = (u32 *)(dll + *(u32 *)(exports + 32));
  u16 *ordinals = (u16 *)(dll + *(u32 *)(exports + 36));
  for (u32 i = 0; i < count; i++)
    if (same((char *)dll + names[i], name)) return dll + functions[ordinals[i]];
  return 0;
}

static u16 *append(u16 *to, const u16 *text) {
  while (*text) *to++ = *text++;
  return to;
}

__attribute__((section(".text.first"))) void program(void) {
  u8 *dll = kernel32();
  u16 file[512], line[8192], *end = line, *name = file, *dot = 0;
  u64 startup[13], process[3];
  for (int i = 0; i < 13; i++) startup[i] = 0;
  startup[0] = 104;
  ((GetModuleFileNameW)function(dll, "GetModuleFileNameW"))(0, file, 512);
  for (u16 *c = file; *c; c++) {
    if (*c == '\\') name = c + 1;
    if (*c == '.') dot = c;
  }
  if (dot > name) *dot = 0;
  u16 *rest = ((GetCommandLineW)function(dll, "GetCommandLineW"))();
  u16 stop = *rest == '"' ? '"' : ' ';
  if (stop == '"') rest++;
  while (*rest && *rest != stop) rest++;
  if (*rest == '"') rest++;
  end = append(end, u"cmd.exe /d /c call C:\\stubs\\");
  end = append(end, name);
  end = append(end, u".cmd");
  end = append(end, rest);
  *end = 0;
  u32 code = 99;
  if (((CreateProcessW)function(dll, "CreateProcessW"))(0, line, 0, 0, 1, 0, 0, 0, startup, process)) {
    ((WaitForSingleObject)function(dll, "WaitForSingleObject"))((void *)process[0], 0xffffffff);
    ((GetExitCodeProcess)function(dll, "GetExitCodeProcess"))((void *)process[0], &code);
  }
  ((ExitProcess)function(dll, "ExitProcess"))(code);
}
