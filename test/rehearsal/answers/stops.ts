/** Setup stops: it shows an error, or a question that the answers do not answer. */
export class SetupStops extends Error {
  readonly shows: 'error' | 'question';
  constructor(shows: SetupStops['shows'], message: string) {
    super(message);
    this.name = 'SetupStops';
    this.shows = shows;
  }
}

/** Returns the error of a pass that Setup cannot carry out. */
export function refusal(pass: string, cause: string): SetupStops {
  return new SetupStops('error', `could not parse or process unattend answer file for pass [${pass}]. ${cause}`);
}

/** Returns the error of a value that Setup cannot use. */
export function badValue(pass: string, component: string, what: string): SetupStops {
  return refusal(pass, `The settings specified in the answer file cannot be applied: [${component}] ${what}`);
}

/** Returns a question that stays on the screen. */
export function question(text: string): SetupStops {
  return new SetupStops('question', text);
}
