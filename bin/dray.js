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
  // This call comes first, because it enables the compile cache.
  require('../dist/prepare.cjs').prepare(process.env)
  var root = require('node:path').join(__dirname, '..')
  // The scripts of shells call this at a keypress, so it loads less than a command.
  if (args[0] === '__complete') void require('../dist/complete.cjs').complete(args.slice(1), root)
  else void require('../dist/main.cjs').main(args, root)
}
