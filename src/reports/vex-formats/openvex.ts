import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import {
  digestsOfHash,
  digestsOfPackageUrl,
  digestsOfReference,
  withoutRepeats,
} from '../shared/named-digests.ts'
import { reportTime } from '../shared/report-time.ts'
import type { VexDocument, VexProduct, VexStatement } from '../vex.ts'

const namespace = 'https://openvex.dev/ns'
const supportedContext = `${namespace}/v0.2.0`
const vexName = 'the VEX document'

/** openvex/spec, OPENVEX-SPEC.md, Status Labels */
const statuses: ReadonlySet<string> = new Set(['not_affected', 'affected', 'fixed', 'under_investigation'])
/** openvex/spec, OPENVEX-SPEC.md, Status Justifications */
const justifications: ReadonlySet<string | undefined> = new Set([
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
])

/** Whether a document says that it is OpenVEX, of any version. */
export function isOpenVex(document: Readonly<Record<string, unknown>>): boolean {
  const context = document['@context']
  return typeof context === 'string' && context.startsWith(namespace)
}

/** Parses OpenVEX 0.2.0 (openvex/spec, OPENVEX-SPEC.md). @throws `malformed`, `unsupported`. */
export function parseOpenVex(document: Fields): VexDocument {
  const context = document.text('@context')
  // A document without a version in its context is of 0.0.1, whose subcomponents differ.
  if (context !== supportedContext) {
    throw new DrayError('unsupported', `${vexName} is of another version than OpenVEX 0.2.0`, {
      why: `its @context is ${context.slice(0, 100)}`,
    })
  }
  const issuedAt = reportTime(document.text('timestamp'))
  const statements = document.list('statements', Infinity)
  if (statements.length === 0) throw new DrayError('malformed', `${vexName} has no statements`)
  return {
    format: 'openvex',
    statements: document.objects('statements').map((statement) => statementOf(statement, issuedAt)),
  }
}

function statementOf(statement: Fields, issuedAt: number | undefined): VexStatement {
  const vulnerability = statement.object('vulnerability')
  const id = vulnerability.text('name')
  const products = statement.objects('products').map(productOf)
  const time = timeOf(statement, issuedAt)
  return {
    vulnerability: id,
    aliases: withoutRepeats(vulnerability.optionalTexts('aliases').filter((alias) => alias !== id)),
    ...decisionOf(statement),
    products: products.length === 0 ? [{ ids: [], digests: [], subcomponents: [] }] : products,
    ...(time !== undefined && { time }),
  }
}

/** An impact statement is not read: it is text for people (Note on justification). */
function decisionOf(statement: Fields): Pick<VexStatement, 'status' | 'justification'> {
  const status = statement.text('status')
  if (!statuses.has(status))
    throw new DrayError('malformed', `${vexName} has the status ${JSON.stringify(status.slice(0, 100))}`)
  const justification = statement.optionalText('justification')
  return {
    status: status as VexStatement['status'],
    ...(justification !== undefined && justifications.has(justification) && { justification }),
  }
}

/** The time of a statement replaces that of its document (Inheritance Flow, Timestamps). */
function timeOf(statement: Fields, issuedAt: number | undefined): number | undefined {
  const own = statement.optionalText('last_updated') ?? statement.optionalText('timestamp')
  return own === undefined ? issuedAt : reportTime(own)
}

function productOf(product: Fields): VexProduct {
  const ids = idsOf(product)
  const hashes = Object.entries(product.optionalObject('hashes')?.record ?? {})
  const digests = hashes.flatMap(([algorithm, hex]) =>
    typeof hex === 'string' ? digestsOfHash(algorithm, hex) : [],
  )
  return {
    ids,
    digests: withoutRepeats([
      ...digests,
      ...ids.flatMap(digestsOfPackageUrl),
      ...ids.flatMap(digestsOfReference),
    ]),
    subcomponents: product.objects('subcomponents').flatMap(idsOf),
  }
}

/** @throws `malformed` for a component without an id: it would be about every component. */
function idsOf(component: Fields): readonly string[] {
  const { purl, cpe22, cpe23 } =
    component.optionalObject('identifiers')?.texts('purl', 'cpe22', 'cpe23') ?? {}
  const ids = [component.optionalText('@id'), purl, cpe22, cpe23].filter((id) => id !== undefined)
  if (ids.length === 0) throw new DrayError('malformed', `${vexName} has a product without an id`)
  return withoutRepeats(ids)
}
