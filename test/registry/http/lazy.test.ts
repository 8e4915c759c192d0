import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const stack = join(import.meta.dirname, '../../../src/registry/http/stack.ts')

describe('the stack', () => {
  it('is composed without loading undici, the HTTP modules of Node or TLS', () => {
    const script = `
      const { createFetch } = await import(${JSON.stringify(stack)})
      createFetch({ settings: new Map(), credentials: async () => undefined, userAgent: 'x' })
      const loaded = Object.keys(require('module')._cache).concat(process.moduleLoadList)
      console.log(JSON.stringify(loaded.filter((name) => /undici|NativeModule (?:_http|http2?|tls|https)/.test(name))))`
    const node = execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); ${script}`,
      ],
      { encoding: 'utf8' },
    )
    expect(JSON.parse(node)).toEqual([])
  })
})
