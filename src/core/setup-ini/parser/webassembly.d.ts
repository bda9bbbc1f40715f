// Of Node.js's global WebAssembly what the scanner uses; @types/node leaves it to the library of browsers.
declare namespace WebAssembly {
  interface Module {}
  const Module: new (bytes: Uint8Array) => Module;
  interface Instance {
    readonly exports: Readonly<Record<string, unknown>>;
  }
  const Instance: new (module: Module) => Instance;
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    value: unknown;
  }
}
