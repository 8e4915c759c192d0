'use strict'

const v8 = require('node:v8')

// Preloaded with `--require`. When the process ends, writes the files and the modules of Node that
// it loaded to the file DRAY_TEST_MODULES.
// `recompiled` is what Node loaded between a change of a flag of V8 and the next one of that flag.
const recompiled = []
const changedFlags = new Set()
let loadedBefore = 0
const { setFlagsFromString } = v8
v8.setFlagsFromString = (flag) => {
  const [name] = flag.split('=')
  if (changedFlags.size > 0) recompiled.push(...process.moduleLoadList.slice(loadedBefore))
  loadedBefore = process.moduleLoadList.length
  if (!changedFlags.delete(name)) changedFlags.add(name)
  setFlagsFromString(flag)
}

process.on('exit', () => {
  const files = Object.keys(require.cache).filter((file) => file !== __filename)
  const builtins = process.moduleLoadList
    .map((entry) => /^NativeModule (?!internal\/)(.+)$/.exec(entry)?.[1])
    .filter((name) => name !== undefined)
  if (changedFlags.size > 0) recompiled.push(...process.moduleLoadList.slice(loadedBefore))
  const loaded = { files, builtins, recompiled }
  require('node:fs').writeFileSync(process.env.DRAY_TEST_MODULES, JSON.stringify(loaded))
})
