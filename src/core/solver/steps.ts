/** A long computation in steps: it pauses after each step, so that its caller can stop it or do other work. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Runs all steps and returns the result. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
