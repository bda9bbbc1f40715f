/** Sorts nodes 0..count-1 so that each comes after those it points to, as far as cycles allow; members of a cycle are
 *  adjacent, smallest number first. Deterministic, linear, and not recursive (cycles and chains of an index can be
 *  thousands long). Source: Tarjan's strongly connected components. */
export function dependencyOrder(count: number, edges: (node: number) => readonly number[]): number[] {
  const order: number[] = [];
  const index = new Int32Array(count);
  const low = new Int32Array(count);
  const isOpen = new Uint8Array(count);
  const stack: number[] = [];
  let next = 1;

  const enter = (node: number): { node: number; targets: readonly number[]; at: number } => {
    index[node] = low[node] = next++;
    stack.push(node);
    isOpen[node] = 1;
    return { node, targets: edges(node), at: 0 };
  };

  for (let root = 0; root < count; root++) {
    if (index[root] !== 0) continue;
    const path = [enter(root)];
    for (let frame = path.at(-1); frame !== undefined; frame = path.at(-1)) {
      const { node } = frame;
      const target = frame.targets[frame.at++];
      if (target !== undefined) {
        if (index[target] === 0) path.push(enter(target));
        else if (isOpen[target] === 1) low[node] = Math.min(low[node] ?? 0, index[target] ?? 0);
        continue;
      }
      path.pop();
      const parent = path.at(-1)?.node;
      if (parent !== undefined) low[parent] = Math.min(low[parent] ?? 0, low[node] ?? 0);
      if (low[node] === index[node]) {
        const component = stack.splice(stack.lastIndexOf(node));
        for (const member of component.sort((a, b) => a - b)) {
          isOpen[member] = 0;
          order.push(member);
        }
      }
    }
  }
  return order;
}
