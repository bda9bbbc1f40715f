import { parseSync } from 'oxc-parser';

/** One import of a source file. */
export interface Import {
  readonly from: string;
  readonly isTypeOnly: boolean;
}

export interface SourceFacts {
  readonly imports: readonly Import[];
  /** Globals with effects that the file uses: clock, randomness, environment, timers. */
  readonly ambient: readonly string[];
}

const AMBIENT = new Set([
  'process',
  'performance',
  'Date',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'console',
  'crypto',
  'require',
]);

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Returns the imports of a TypeScript source: static, re-exported, type-only, dynamic and `import('...')` types.
 *  Throws for a syntax error and for an import with a computed name. */
export function factsOf(file: string, source: string): SourceFacts {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const ambient = new Set<string>();
  const imported = new Set<unknown>();
  walk(program, (node, parent, key) => {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        if (node['source'] !== null && node['source'] !== undefined)
          imports.push({ from: literal(file, node['source']), isTypeOnly: isTypeOnly(node) });
        break;
      case 'ImportExpression':
        imports.push({ from: literal(file, node['source']), isTypeOnly: false });
        break;
      case 'TSImportType':
        imports.push({ from: literal(file, node['source'] ?? node['argument']), isTypeOnly: true });
        break;
      case 'Identifier':
        if (AMBIENT.has(String(node['name'])) && !isLabel(parent, key)) ambient.add(String(node['name']));
        break;
      case 'ImportSpecifier':
        if (isNode(node['local'])) imported.add(node['local']['name']);
        break;
      case 'MemberExpression':
        if (isMathRandom(node)) ambient.add('Math.random');
        break;
      default:
    }
  });
  return { imports, ambient: [...ambient].filter((name) => !imported.has(name)).sort() };
}

function walk(
  value: unknown,
  visit: (node: Node, parent: Node | undefined, key: string) => void,
  parent?: Node,
  key = '',
): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit, parent, key);
  else if (isNode(value)) {
    visit(value, parent, key);
    for (const [name, child] of Object.entries(value)) walk(child, visit, value, name);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

/** Returns whether an identifier is the name of a property, not a variable. */
function isLabel(parent: Node | undefined, key: string): boolean {
  if (parent === undefined || parent['computed'] === true) return false;
  return key === 'property' || key === 'key' || parent.type.startsWith('TS');
}

function isMathRandom({ object, property }: Node): boolean {
  return isNode(object) && object['name'] === 'Math' && isNode(property) && property['name'] === 'random';
}

function isTypeOnly(node: Node): boolean {
  if (node['importKind'] === 'type' || node['exportKind'] === 'type') return true;
  const specifiers = node['specifiers'];
  return (
    Array.isArray(specifiers) &&
    specifiers.length > 0 &&
    specifiers.every(
      (specifier) => isNode(specifier) && (specifier['importKind'] === 'type' || specifier['exportKind'] === 'type'),
    )
  );
}

function literal(file: string, value: unknown): string {
  if (isNode(value) && value.type === 'TSLiteralType') return literal(file, value['literal']);
  if (isNode(value) && typeof value['value'] === 'string') return value['value'];
  throw new Error(`${file}: an import whose name is computed`);
}
