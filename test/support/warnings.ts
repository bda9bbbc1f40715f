/** A Node warning fails the run: what warns today breaks with a later Node. */
process.on('warning', (warning) => {
  throw warning;
});
