// An old Node has to parse this file, so it is ES5 and CommonJS (bin/package.json).
'use strict'

var fs = require('fs')
var path = require('path')

/** The Node of the package "node", which a clone of the repository has after npm ci. */
var ownNode = path.join(__dirname, '..', 'node_modules', 'node', 'bin', 'node')

/**
 * Runs dray on the Node of the repository, because the Node that runs this is too old. Prints an
 * error if the repository has none.
 */
function run(program, args, wanted) {
  if (!fs.existsSync(ownNode)) {
    console.error('error: dray cannot run on Node.js ' + process.version + ' (' + process.execPath + ')')
    console.error('  why: dray needs Node.js ' + wanted)
    console.error('  fix: Install a newer Node.js. In a clone of the repository, "npm ci" brings one.')
    process.exitCode = 1
    return
  }
  var child = require('child_process').spawn(ownNode, [program].concat(args), { stdio: 'inherit' })
  // A terminal sends SIGINT to both processes. The child decides what happens.
  process.on('SIGINT', function () {})
  ;['SIGTERM', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal)
    })
  })
  child.on('error', function (error) {
    console.error('error: cannot start ' + ownNode)
    console.error('  why: ' + error.message)
    console.error('  fix: Run "npm ci" in the repository again.')
    process.exitCode = 1
  })
  child.on('exit', function (code, signal) {
    if (signal === null) process.exitCode = code
    else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}

module.exports = { run: run }
