/** Escape sequences of terminals, and control characters other than tab and newline. */
// oxlint-disable-next-line no-control-regex -- control characters are the subject
const CONTROL = /\u001b(\[[0-?]*[ -/]*[@-~]|[ -/]*[0-Z\\-~])|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Removes what could move the cursor of a terminal or change its colors, from text of a program or a guest. */
export function withoutControls(text: string): string {
  return text.replaceAll(CONTROL, '');
}
