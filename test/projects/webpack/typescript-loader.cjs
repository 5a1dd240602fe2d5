const { transform } = require('esbuild');

/** Stands for a loader of one's choice. */
module.exports = async function typescript(source) {
  const callback = this.async();
  const { code, map } = await transform(source, {
    loader: 'ts',
    target: 'node20',
    sourcemap: 'external',
    sourcefile: this.resourcePath,
  });
  callback(null, code, JSON.parse(map));
};
