// The boot code of the counterfeit: asks for a key PROMPTS times, WAIT_SECONDS each, as the one of Microsoft's media
// does; then starts the Linux beside it. Without a key it returns to the firmware, which goes on with the next entry.
// In the first MISSED_STARTS starts of a machine it does not wait; it counts them in a variable of the firmware.
// Source of the layouts: UEFI specification 2.10, sections 4.3, 4.4, 4.5, 9.1, 12.3, 12.4, 13.4, 13.5.

typedef unsigned short Char16;
typedef unsigned long long Size;
typedef void *Handle;
#define EFI __attribute__((ms_abi))
#define ERROR(code) (1ull << 63 | (code))
#define TIMEOUT ERROR(18)

typedef struct { unsigned data1; unsigned short data2, data3; unsigned char data4[8]; } Guid;

typedef struct Input {
  EFI Size (*reset)(struct Input *, char);
  EFI Size (*read_key)(struct Input *, unsigned *);
} Input;

typedef struct Output {
  void *reset;
  EFI Size (*print)(struct Output *, const Char16 *);
} Output;

typedef struct {
  char header[24];
  void *unused_2[5];
  EFI Size (*allocate_pool)(int type, Size size, void **buffer);
  void *unused_8[10];
  EFI Size (*handle_protocol)(Handle, const Guid *, void **interface);
  void *unused_17[5];
  EFI Size (*load_image)(char is_boot_policy, Handle parent, void *path, void *source, Size size, Handle *image);
  EFI Size (*start_image)(Handle, Size *exit_data_size, Char16 **exit_data);
  void *unused_24[4];
  EFI Size (*stall)(Size microseconds);
} BootServices;

typedef struct {
  char header[24];
  void *unused_0[6];
  EFI Size (*get_variable)(const Char16 *name, const Guid *vendor, unsigned *attributes, Size *size, void *data);
  void *unused_7;
  EFI Size (*set_variable)(const Char16 *name, const Guid *vendor, unsigned attributes, Size size, const void *data);
} RuntimeServices;

typedef struct {
  char header[24];
  void *vendor, *revision, *in_handle;
  Input *in;
  void *out_handle;
  Output *out;
  void *error_handle, *error;
  RuntimeServices *runtime;
  BootServices *boot;
} SystemTable;

typedef struct {
  void *revision, *parent, *system;
  Handle device;
  void *path, *reserved;
  unsigned options_size;
  void *options;
} LoadedImage;

typedef struct File {
  Size revision;
  EFI Size (*open)(struct File *, struct File **opened, const Char16 *name, Size mode, Size attributes);
  void *close, *delete;
  EFI Size (*read)(struct File *, Size *size, void *buffer);
} File;

typedef struct FileSystem {
  Size revision;
  EFI Size (*open_volume)(struct FileSystem *, File **root);
} FileSystem;

static Size read_file(BootServices *boot, File *root, const Char16 *name, char *buffer, Size *size) {
  File *file;
  Size status = root->open(root, &file, name, 1, 0);
  return status ? status : file->read(file, size, buffer);
}

// Returns whether this start belongs to those in which no key is awaited.
static int is_missed(RuntimeServices *runtime) {
  static const Guid vendor = {0x0c75a9d6, 0x3a0f, 0x4c52, {0x9a, 0x3e, 0x51, 0x7c, 0x2f, 0x64, 0xb0, 0x18}};
  unsigned char starts = 0;
  Size size = sizeof starts;
  runtime->get_variable(L"Starts", &vendor, 0, &size, &starts);
  if (starts >= MISSED_STARTS) return 0;
  starts++;
  // Kept over a reset, for boot code only.
  runtime->set_variable(L"Starts", &vendor, 3, sizeof starts, &starts);
  return 1;
}

static Size wait_for_key(SystemTable *system, int wait_seconds) {
  unsigned key;
  while (system->in->read_key(system->in, &key) == 0) {}
  system->out->print(system->out, L"Press any key to boot from CD or DVD..");
  for (int tenths = 0; tenths < wait_seconds * 10; tenths++) {
    if (tenths % 10 == 0) system->out->print(system->out, L".");
    system->boot->stall(100000);
    if (system->in->read_key(system->in, &key) == 0) return 0;
  }
  return TIMEOUT;
}

static Size start_linux(Handle self, SystemTable *system) {
  static const Guid loaded_image = {0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
  static const Guid file_system = {0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
  BootServices *boot = system->boot;
  LoadedImage *own, *linux;
  FileSystem *volume;
  File *root;
  Handle image;
  char *kernel, words[1024];
  Char16 *options;
  Size kernel_size = 64 << 20, words_size = sizeof words, status;
  if ((status = boot->handle_protocol(self, &loaded_image, (void **)&own)) ||
      (status = boot->handle_protocol(own->device, &file_system, (void **)&volume)) ||
      (status = volume->open_volume(volume, &root)) ||
      (status = boot->allocate_pool(2, kernel_size, (void **)&kernel)) ||
      (status = boot->allocate_pool(2, sizeof words * 2, (void **)&options)) ||
      (status = read_file(boot, root, L"\\linux\\cmdline", words, &words_size)) ||
      (status = read_file(boot, root, L"\\linux\\vmlinuz", kernel, &kernel_size)) ||
      (status = boot->load_image(0, self, 0, kernel, kernel_size, &image)) ||
      (status = boot->handle_protocol(image, &loaded_image, (void **)&linux)))
    return status;
  for (Size i = 0; i < words_size; i++) options[i] = words[i];
  linux->options = options;
  linux->options_size = words_size * 2;
  // Linux reads its initrd from here.
  linux->device = own->device;
  return boot->start_image(image, 0, 0);
}

__attribute__((section(".text.first"))) EFI Size efi_main(Handle self, SystemTable *system) {
  int wait_seconds = MISSED_STARTS > 0 && is_missed(system->runtime) ? 0 : WAIT_SECONDS;
  for (int prompt = 0; prompt < PROMPTS; prompt++) {
    // The rest of the keys that answered the one before.
    if (prompt > 0) system->boot->stall(3000000);
    Size status = wait_for_key(system, wait_seconds);
    system->out->print(system->out, L"\r\n");
    if (status) return status;
  }
  return start_linux(self, system);
}
