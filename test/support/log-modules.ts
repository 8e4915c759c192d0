import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

// Preloaded with `--import`. Appends the URL of each resolved module to the file DRAY_TEST_MODULES.
const file = process.env['DRAY_TEST_MODULES'] ?? ''
registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context)
    appendFileSync(file, `${resolved.url}\n`)
    return resolved
  },
})
