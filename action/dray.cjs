// The command dray of a job. Release tags contain dist/dray.cjs and no other file of dist.
'use strict'

const { enableCompileCache } = require('node:module')
const { join } = require('node:path')

// The runner empties this folder before each job, and only its user can write to it.
const temp = process.env['RUNNER_TEMP']
if (temp !== undefined && temp !== '') enableCompileCache(join(temp, 'dray-compile-cache'))
void require('../dist/dray.cjs').main(process.argv.slice(2))
