'use strict'

// Preloaded with `--require`. When the process ends, writes the files and the modules of Node that
// it loaded to the file DRAY_TEST_MODULES.
process.on('exit', () => {
  const files = Object.keys(require.cache).filter((file) => file !== __filename)
  const builtins = process.moduleLoadList
    .map((entry) => /^NativeModule (?!internal\/)(.+)$/.exec(entry)?.[1])
    .filter((name) => name !== undefined)
  require('node:fs').writeFileSync(process.env.DRAY_TEST_MODULES, JSON.stringify({ files, builtins }))
})
