'use strict'

const fs = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')

// Preloaded. Kills the process before the rename with the number DRAY_TEST_KILL_AT, of those to a
// path that contains DRAY_TEST_KILL_PATH. The first one is 1.
const { DRAY_TEST_KILL_AT, DRAY_TEST_KILL_PATH } = process.env
let count = 0

function note(to) {
  if (!String(to).includes(DRAY_TEST_KILL_PATH)) return
  if (++count === Number(DRAY_TEST_KILL_AT)) process.kill(process.pid, 'SIGKILL')
}

for (const [module, name] of [
  [fs, 'renameSync'],
  [fs.promises, 'rename'],
]) {
  const original = module[name]
  module[name] = (from, to) => {
    note(to)
    return original(from, to)
  }
}
syncBuiltinESMExports()
