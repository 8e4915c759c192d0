import { describe, expect, it } from 'vitest'
import { compileCondition } from '../../../src/gates/cel/condition.ts'
import { isDrayError } from '../../../src/lib/errors.ts'

/** As a parsed attestation: `__proto__` and `constructor` are own members. */
const predicate: unknown = JSON.parse(
  `{"one": 1, "zero": 0, "text": "true", "nothing": null, "yes": true, "no": false, "list": [1, 2, 3],
    "large": 1e308, "__proto__": {"hidden": true}, "constructor": "text", "pattern": "b.*"}`,
)
const variables = { predicate, subject: 'sha256:1234', signer: 'build' }

function evaluate(expression: string): unknown {
  const result = compileCondition(expression, 'attestation').evaluate(variables)
  return result.ok ? 'ok' : result.reason
}

/** The message of the mistake, and its fix. */
function mistake(expression: string, scope: 'attestation' | 'rule' = 'attestation'): string {
  try {
    compileCondition(expression, scope, ['scan', 'same-run'])
  } catch (error) {
    if (isDrayError(error) && error.code === 'config') return `${error.message} | ${error.hint ?? ''}`
    throw error
  }
  return 'compiles'
}

describe('an expression passes', () => {
  it.each([
    'true',
    'predicate.yes',
    'predicate.one == 1 && predicate["list"].size() == 3',
    'predicate.list.all(x, x < 4) && predicate.list.exists(x, x == 2)',
    'signer.startsWith("bu") && subject in ["sha256:1234", "other"]',
    'has(predicate.yes) && !has(predicate.other)',
    'regex(signer, predicate.pattern)',
    'cel.bind(x, predicate.list, x.size() == 3)',
    'predicate.constructor == "text"',
    'predicate.__proto__.hidden',
    'timestamp("2026-11-28T10:00:00Z").getHours("Europe/Berlin") == 11',
    'timestamp("2026-07-01T10:00:00Z").getDayOfYear() == 181',
    'timestamp(0).getFullYear() == 1970 && timestamp(0).getDayOfWeek("America/New_York") == 3',
    // The error of the left side is hidden, as CEL demands.
    'predicate.other || true',
  ])('%s', (expression) => {
    expect(evaluate(expression)).toBe('ok')
  })
})

describe('an expression fails', () => {
  it.each([
    ['predicate.no', 'the expression is false'],
    ['predicate.text', 'the result of the expression is a string, and only true passes'],
    ['predicate.nothing', 'the result of the expression is null, and only true passes'],
    ['predicate.one', 'the result of the expression is a double, and only true passes'],
    ['predicate.list', 'the result of the expression is no boolean, and only true passes'],
    ['predicate.other', 'predicate.other does not exist'],
    ['predicate.other.all(x, true)', 'predicate.other does not exist'],
    ['predicate.text.toString', 'predicate.text.toString does not exist'],
    ['predicate.list.all(x, x + 1 < 5)', 'no such overload'],
    ['predicate.list.all(x, x.other)', 'x.other does not exist'],
    ['predicate.list[7] == 1', 'out of bounds'],
    ['predicate.text < 5', 'no such overload'],
    ['predicate.text.all(x, true)', "Expression of type 'string' cannot be range of a comprehension"],
    ['1 / 0 == 1', 'division by zero'],
    ['1 % 0 == 1', 'modulo by zero'],
    ['predicate.one / predicate.zero > 1.0', 'a number or time is out of range'],
    ['predicate.large * 10.0 > 1.0', 'a number or time is out of range'],
    ['predicate.zero / predicate.zero != 1.0', 'a number or time is out of range'],
    ['9223372036854775807 + 1 > 0', 'integer overflow'],
    ['-(-9223372036854775807 - 1) > 0', 'a number or time is out of range'],
    ['(-9223372036854775807 - 1) / -1 > 0', 'a number or time is out of range'],
    ['int(1e30) > 0', 'a number or time is out of range'],
    ['double("inf") > 1.0', 'a number or time is out of range'],
    ['timestamp(9223372036854775807) > timestamp(0)', 'a number or time is out of range'],
    ['timestamp("2026-11-28T10:00:00.000") > timestamp(0)', 'needs a time with a zone'],
    ['timestamp(0).getHours("Nowhere") == 0', 'Invalid time zone'],
    ['regex(signer, "uil")', 'the expression is false'],
    ['regex(signer, predicate.text + "(")', 'is not a regular expression'],
    ['bool("maybe")', 'bool() conversion error'],
  ])('%s: %s', (expression, reason) => {
    expect(evaluate(expression)).toContain(reason)
  })

  it('after one second, however it catches errors', () => {
    const list = Array.from({ length: 3000 }, (_, i) => i)
    const condition = compileCondition(
      'predicate.list.all(a, predicate.list.all(b, predicate.list.all(c, a + b + c >= 0.0 || a.x)))',
      'attestation',
    )
    expect(condition.evaluate({ predicate: { list } })).toEqual({
      ok: false,
      reason: 'the expression takes more than one second',
    })
  })

  it('with one line of bounded length, whatever the attestation contains', () => {
    const condition = compileCondition('bool(predicate.text)', 'attestation')
    const result = condition.evaluate({ predicate: { text: `a\n::set-output\n${'x'.repeat(5000)}` } })
    expect(result.ok || result.reason).toMatch(/^.{1,301}$/)
  })
})

describe('an expression does not compile', () => {
  it.each([
    [
      'predicat.one == 1',
      'unknown name "predicat", at column 1 of the expression | Did you mean "predicate"?',
    ],
    [
      'signer.strtsWith("a")',
      'unknown function "strtsWith", at column 1 of the expression | Did you mean "startsWith"?',
    ],
    ['env("HOME") == ""', 'unknown function "env"'],
    ['signer.matches("b")', 'matches() is not available | Use regex(TEXT, PATTERN)'],
    ['predicate.list.exists(x, x.matches("b"))', 'matches() is not available'],
    ['regex(signer, "(?=b)")', 'is not a regular expression'],
    ['__proto__.x', '__proto__'],
    ['signer == 5', 'no such overload: string == int'],
    ['signer', 'the expression has the type string, and a gate needs bool'],
    ['"true"', 'the expression has the type string'],
    ['null', 'the expression has the type null'],
    ['99999999999999999999 > 0', 'a number or time is out of range'],
    ['[1, 2', 'Expected RBRACKET'],
    ['', 'Unexpected token'],
    ['true &&\n  nope', 'unknown name "nope", at line 2, column 3 of the expression'],
    [`${'('.repeat(51)}true${')'.repeat(51)}`, 'more than 2000 parts, 50 levels, 200 elements'],
    [`[${'1,'.repeat(200)}1].size() > 0`, 'more than 2000 parts'],
    [Array.from({ length: 1001 }, () => 'true').join('&&'), 'more than 2000 parts'],
    [`${'!'.repeat(50_000)}true`, 'nested too deeply'],
    ['image.name == "api"', 'unknown name "image"'],
  ])('%s', (expression, message) => {
    expect(mistake(expression)).toContain(message)
  })

  it.each([
    [
      'image.lables.a == "b"',
      'unknown field "lables", at column 7 of the expression | Did you mean "labels"?',
    ],
    ['!has(image.lables)', 'unknown field "lables"'],
    ['scan.vulnerabilities.all(v, has(v.fixedVersoin))', 'Did you mean "fixedVersion"?'],
    [
      'attestations.scam.size() == 0',
      'unknown field "scam", at column 14 of the expression | Did you mean "scan"?',
    ],
    ['attestations["same-rum"].size() == 0', 'Did you mean "same-run"?'],
    ['scan.vulnerabilities.all(v, v.severity > 5)', 'no such overload: string > int'],
    [
      'scan.vulnerabilities.all(v, v.severity != "CRITICAL")',
      'there is no severity "CRITICAL" | Did you mean "critical"?',
    ],
    ['scan.vulnerabilities.exists(v, v.severity in ["high", "sev1"])', 'there is no severity "sev1"'],
    ['!scan.vulnerabilities.exists(v, "HIGH" == v.severity)', 'Did you mean "high"?'],
    ['now - image.created < duration("30d")', '"30d" is not a duration | Use h, m, s or ms'],
    ['to == "prod"', 'Compare one of its fields: environment, repository.'],
    ['attestations.scan.predicate.x == 1', 'Use exists(x, …), all(x, …)'],
    ['image.labels.?team.orValue("") == "a"', 'Use has(FIELD)'],
    ['image.name = "api"', '== compares'],
    ['predicate.x', 'unknown name "predicate"'],
  ])('as a rule: %s', (expression, message) => {
    expect(mistake(expression, 'rule')).toContain(message)
  })
})

describe('the variables of a rule', () => {
  const statement = (content: unknown): object => ({
    predicateType: 'type',
    predicate: content,
    subject: 'sha256:1',
    signer: 'build',
  })
  const values = {
    image: {
      name: 'api',
      digest: 'sha256:1',
      labels: { team: 'a' },
      created: new Date(0),
      size: 5,
      platforms: ['linux/amd64'],
    },
    to: { environment: 'prod', repository: 'eu.example.com/prod/api' },
    now: new Date('2026-11-28T10:00:00Z'),
    scan: {
      vulnerabilities: [
        {
          id: 'CVE-1',
          aliases: ['GHSA-1'],
          package: { name: 'openssl' },
          severity: 'high',
          scanner: 'trivy',
        },
      ],
    },
    attestations: { scan: [statement({ run: 'runs/12' })] },
    signers: ['build'],
  }
  const evaluateRule = (expression: string): unknown => {
    const result = compileCondition(expression, 'rule', ['scan', 'same-run']).evaluate(values)
    return result.ok ? 'ok' : result.reason
  }

  it.each([
    'image.name == "api" && image.size == 5 && image.labels.team == "a" && "linux/amd64" in image.platforms',
    'now - image.created > duration("24h") && now.getDayOfWeek() == 6',
    'to.environment == "prod" && to.repository.startsWith("eu.example.com/")',
    'scan.vulnerabilities.all(v, v.severity != "critical" && "GHSA-1" in v.aliases)',
    'scan.vulnerabilities.all(v, !has(v.fixedVersion)) && scan.vulnerabilities[0].package.name == "openssl"',
    'attestations.scan.exists(s, s.predicate.run == "runs/12" && s.signer in signers)',
  ])('are typed: %s', (expression) => {
    expect(evaluateRule(expression)).toBe('ok')
  })

  it('have a field for every gate that the expression uses, if no names are given', () => {
    const condition = compileCondition(
      'attestations["a-b"].all(s, true) || attestations.scan.size() == 1',
      'rule',
    )
    expect(condition.evaluate(values)).toEqual({ ok: true })
  })

  it.each([
    ['sbom.components.all(c, true)', 'there is no value for sbom: no sbom gate of the environment passed'],
    ['reason != ""', 'there is no value for reason: the run has no --reason'],
    ['!image.tag.startsWith("v")', 'image.tag does not exist'],
    ['image.annotations.size() == 0', 'image.annotations does not exist'],
    [
      'attestations["same-run"].all(s, false)',
      'attestations["same-run"] does not exist: that gate did not pass, or it verified no attestation',
    ],
    ['scan.vulnerabilities.all(v, v.package.purl != "")', 'v.package.purl does not exist'],
  ])('are unbound without data, not empty: %s', (expression, reason) => {
    expect(evaluateRule(expression)).toBe(reason)
  })
})
