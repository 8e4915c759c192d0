import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

// Preloaded by `--import`: writes the URL of each module that is resolved, a line each, to the file that DRAY_TEST_MODULES names.
const file = process.env['DRAY_TEST_MODULES'] ?? ''
registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context)
    appendFileSync(file, `${resolved.url}\n`)
    return resolved
  },
})
