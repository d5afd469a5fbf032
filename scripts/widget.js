/**
 * Bundles the widget's modules into the one small script that pages load, and compresses it:
 * `node scripts/widget.js [outfile]`. `make widget` calls it.
 */

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import zopfli from '@gfx/zopfli';
import { build } from 'esbuild';
import { minify } from 'terser';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = `${root}flask_pocketping/static/widget/src/`;
/** What is in the bundle: the inbox serves the shared modules as they are. */
const folders = [source, `${root}flask_pocketping/static/shared/`];
const outfile = process.argv[2] ?? `${root}flask_pocketping/static/widget/widget.js`;

const { outputFiles } = await build({
  entryPoints: [`${source}main.js`],
  bundle: true,
  charset: 'utf8',
  format: 'iife',
  logLevel: 'warning',
  mangleProps: new RegExp(`^(${internalNames().join('|')})$`),
  minify: true,
  target: 'es2022',
  write: false,
});
// esbuild is better at names, terser at expressions.
const { code } = await minify(outputFiles[0].text, { ecma: 2020, compress: { passes: 2 } });
writeFileSync(outfile, code ?? '');
// Servers compress while they run, with less effort: this is 3% smaller.
writeFileSync(`${outfile}.gz`, await zopfli.gzipAsync(Buffer.from(code ?? ''), { numiterations: 15 }));

/**
 * List the names of properties that only the widget's modules use, so that the bundle can have shorter ones for them.
 * What crosses their border keeps its name: the server's JSON, what the browser stores, what other tabs and the page
 * get. Such names are declared in types.d.ts, or their type is not known where they are used, or they are strings.
 */
function internalNames() {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram([`${source}main.js`, `${source}types.d.ts`], options);
  const checker = program.getTypeChecker();
  /** @type {Set<string>} */
  const internal = new Set();
  /** @type {Set<string>} */
  const external = new Set();

  const isOurs = (/** @type {string} */ file) => folders.some((folder) => file.startsWith(folder));

  /** @param {ts.Identifier} name @param {ts.Symbol | undefined} symbol */
  function note({ text }, symbol) {
    const files = symbol?.declarations?.map((one) => one.getSourceFile().fileName) ?? [];
    const ours = files.length && files.every((file) => isOurs(file) && file.endsWith('.js'));
    (ours ? internal : external).add(text);
  }

  /** @param {ts.Type | undefined} type @param {ts.Identifier} name */
  const propertyOf = (type, { text }) => type && checker.getPropertyOfType(checker.getNonNullableType(type), text);

  /** @param {ts.Node} node */
  function visit(node) {
    const { parent } = node;
    if (ts.isImportDeclaration(node)) return;
    if (ts.isStringLiteralLike(node)) external.add(node.text);
    else if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.name)) {
      note(node.name, checker.getSymbolAtLocation(node.name));
    } else if (ts.isBindingElement(node) && ts.isObjectBindingPattern(parent) && !node.dotDotDotToken) {
      const name = node.propertyName ?? node.name;
      if (ts.isIdentifier(name)) note(name, propertyOf(checker.getTypeAtLocation(parent), name));
    } else if (ts.isObjectLiteralElementLike(node) && node.name && ts.isIdentifier(node.name)) {
      if (ts.isObjectLiteralExpression(parent))
        note(node.name, propertyOf(checker.getContextualType(parent), node.name));
      else if (ts.isClassLike(parent)) noteMember(node.name, parent);
    } else if (ts.isPropertyDeclaration(node) && ts.isIdentifier(node.name)) {
      noteMember(node.name, /** @type {ts.ClassLikeDeclaration} */ (parent));
    } else if (ts.isPropertySignature(node) && node.getSourceFile().isDeclarationFile && ts.isIdentifier(node.name)) {
      external.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  }

  /** A member that overrides one of the browser's keeps its name. @param {ts.Identifier} name @param {ts.ClassLikeDeclaration} owner */
  function noteMember(name, owner) {
    const type = checker.getTypeAtLocation(owner);
    const bases = type.isClassOrInterface() ? checker.getBaseTypes(type) : [];
    const inherited = bases.map((base) => propertyOf(base, name)).find(Boolean);
    note(name, inherited ?? checker.getSymbolAtLocation(name));
  }

  for (const file of program.getSourceFiles()) if (isOurs(file.fileName)) visit(file);
  return [...internal].filter((name) => !external.has(name)).sort();
}
