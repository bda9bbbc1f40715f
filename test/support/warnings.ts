/** A warning of Node.js fails the run: a deprecated call breaks with a later Node.js. */
process.on('warning', (warning) => {
  throw warning;
});
