/**
 * Builds `dist/`: `dray.cjs`, one CommonJS file with dray and the packages that it uses, and
 * `compile-cache.cjs`, which `bin/dray.js` needs before it loads that file
 * (docs/decisions/bundle.md).
 */
import { mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { bundleFile, writeBundle } from './bundle/bundle.ts'
import { writeNotices } from './release/notices.ts'

rmSync(dirname(bundleFile), { recursive: true, force: true })
mkdirSync(dirname(bundleFile))
writeNotices(await writeBundle())
