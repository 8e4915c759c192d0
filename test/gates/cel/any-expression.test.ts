import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CelCondition, compileCondition } from '../../../src/gates/cel/condition.ts'
import { isDrayError } from '../../../src/lib/errors.ts'

/** Pieces of expressions, valid and not. */
const pieces = String.raw`predicate subject signer x has( all(x, map(x, regex( timestamp( cel.bind(x, size(
  getHours( matches( int( double( bytes( json( type( __proto__ constructor . [ ] ( ) { } , : ? ! - + * / % == <
  && || in "a" '\u{1}' b"\xff" r"\" """ 1 1u 1.5e308 0x null true //`.split(/\s+/)
const anyExpression = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((all) => all.join('')),
  fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((all) => all.join(' ')),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

function compile(expression: string): CelCondition | undefined {
  try {
    return compileCondition(expression, 'attestation')
  } catch (error) {
    if (isDrayError(error) && error.code === 'config' && !error.message.includes('\n')) return undefined
    throw error
  }
}

describe('whatever an expression is', () => {
  it('its compilation ends with a condition or a mistake of one line', () => {
    fc.assert(
      fc.property(anyExpression, fc.jsonValue(), (expression, predicate) => {
        const condition = compile(expression)
        const result = condition?.evaluate({ predicate, subject: 'sha256:1', signer: 'build' })
        expect(result === undefined || result.ok || /^.{1,301}$/su.test(result.reason)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('only the boolean true passes', () => {
    const condition = compileCondition('predicate', 'attestation')
    fc.assert(
      fc.property(fc.jsonValue(), (predicate) => {
        expect(condition.evaluate({ predicate }).ok).toBe(predicate === true)
      }),
    )
  })

  it('a member is found if and only if the attestation has it itself', () => {
    const names = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'toString', 'size', 'get'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.dictionary(names, fc.boolean(), { noNullPrototype: false }), names, (members, name) => {
        const predicate: unknown = JSON.parse(JSON.stringify(members))
        const condition = compileCondition('predicate[signer]', 'attestation')
        const isTrue = Object.hasOwn(predicate as object, name) && members[name] === true
        expect(condition.evaluate({ predicate, signer: name }).ok).toBe(isTrue)
      }),
    )
  })
})
