/**
 * Builds `dist/`: `dray.cjs`, one CommonJS file with dray and the packages that it uses, and
 * `load.cjs`, with which `bin/dray.js` runs that file (docs/decisions/bundle.md).
 */
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { bundleFile, writeBundle } from './bundle/bundle.ts'
import { writeNotices } from './release/notices.ts'

rmSync(dirname(bundleFile), { recursive: true, force: true })
mkdirSync(dirname(bundleFile))
writeNotices(await writeBundle())
