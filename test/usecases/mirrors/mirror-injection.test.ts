import { assert, constantFrom, oneof, property, tuple } from 'fast-check'
import { parse } from 'smol-toml'
import { expect, it } from 'vitest'
import { containerdFiles } from '../../../src/usecases/mirrors/containerd.ts'
import type { MirrorRule } from '../../../src/usecases/mirrors/mirror-rule.ts'
import { registriesConf } from '../../../src/usecases/mirrors/registries-conf.ts'
import { tomlString } from '../../../src/usecases/mirrors/toml.ts'
import { anyText } from '../../support/any-text.ts'

const hostile = oneof(
  anyText(),
  constantFrom(
    'a"\n[host."https://evil.example.com"]\n',
    "a'\r\nserver = 'https://evil.example.com'",
    '"""',
    String.raw`\u0022`,
    '\\',
    '\u007F\u0000\u2028',
    '\uD800',
    ']\n[[registry]]\nprefix = "*"',
  ),
)

const options = { noFallback: false, digestOnly: false }

function ruleOf([name, registry, mirror, path]: readonly [string, string, string, string]): MirrorRule {
  return {
    name,
    source: { registry, isPlain: false },
    parts: [{ path: '', isWhole: true, mirrors: [{ registry: mirror, isPlain: true, path }] }],
    filtersTags: false,
  }
}

it('any text is one string of TOML', () => {
  assert(
    property(hostile, (text) => {
      expect(parse(`a = ${tomlString(text)}\nb = 1`)).toEqual({ a: text.toWellFormed(), b: 1 })
    }),
  )
})

it('no name, host or path adds a key to hosts.toml', () => {
  assert(
    property(tuple(hostile, hostile, hostile, hostile), (texts) => {
      const rule = ruleOf(texts)
      const [file] = containerdFiles([rule], options)
      const parsed = parse(file?.content ?? '') as { readonly host: Readonly<Record<string, object>> }
      expect(Object.keys(parsed).toSorted()).toEqual(['host', 'server'])
      expect(Object.values(parsed.host)).toHaveLength(1)
      for (const table of Object.values(parsed.host))
        expect(['capabilities', 'override_path']).toEqual(expect.arrayContaining(Object.keys(table)))
    }),
  )
})

it('no name, host or path adds a key to registries.conf', () => {
  assert(
    property(tuple(hostile, hostile, hostile, hostile), (texts) => {
      const [file] = registriesConf([ruleOf(texts)], options)
      const [, registry, mirror, path] = texts.map((text) => text.toWellFormed())
      expect(parse(file?.content ?? '')).toEqual({
        registry: [
          {
            prefix: registry,
            location: registry,
            mirror: [{ location: path === '' ? mirror : `${mirror}/${path}`, insecure: true }],
          },
        ],
      })
    }),
  )
})
