#!/usr/bin/env node
// An old Node has to parse this file to report its version, so it is ES5 and CommonJS
// (bin/package.json).
'use strict'

var about = require('../package.json')
var version = process.versions.node.split('.')
var major = Number(version[0])
var minor = Number(version[1])
var args = process.argv.slice(2)

if (!(major === 24 ? minor >= 15 : major >= 26)) {
  require('./own-node').run(__filename, args, about.engines.node)
} else if (args.length === 1 && /^(--version|-V|version)$/.test(args[0])) {
  // console.log would warn if both NO_COLOR and FORCE_COLOR are set.
  process.stdout.write(
    'dray/' + about.version + ' ' + process.platform + '-' + process.arch + ' node-' + process.version + '\n',
  )
} else {
  start()
}

function start() {
  try {
    void require('../dist/load.cjs').runBundle(require.resolve('../dist/dray.cjs'), args, process.env)
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error
    console.error('error: cannot start dray')
    console.error('  why: ' + error.message.split('\n')[0])
    console.error('  fix: In a clone of the repository, run "npm run build". Otherwise, install dray again.')
    process.exitCode = 1
  }
}
