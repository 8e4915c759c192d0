import { digestOf, encodedOf } from '../../../src/oci/digest.ts'
import { canonicalJson } from '../../../src/plan/canonical-json.ts'

/** What a product contains, or the product itself. */
export interface SbomPart {
  readonly type: 'application' | 'container' | 'library' | 'operating-system' | 'platform'
  readonly name: string
  readonly version: string
  /** identifies the part if it has no package URL */
  readonly ref?: string
  readonly purl?: string
  /** SPDX expression, or other text */
  readonly license?: string
  readonly description?: string
  /** hex digits of the file of the component */
  readonly sha256?: string
  /** `optional`: not contained, but used */
  readonly scope?: 'required' | 'optional'
  readonly properties?: Readonly<Record<string, string>>
}

/** SPDX identifiers, joined by operators (SPDX 2.3, annex D). */
const spdxExpression = /^\(*[\w.+-]+\)*(?: (?:AND|OR|WITH) \(*[\w.+-]+\)*)*$/

/**
 * Builds a CycloneDX 1.6 BOM of a product and its components: the same for the same values. Its
 * serial number derives from its content.
 * @param timestamp RFC 3339
 */
export function cycloneDxBom(product: SbomPart, components: readonly SbomPart[], timestamp: string): object {
  const sorted = components.toSorted((a, b) => (refOf(a) < refOf(b) ? -1 : 1))
  const content = {
    metadata: {
      timestamp,
      lifecycles: [{ phase: 'build' }],
      component: componentOf(product),
    },
    components: sorted.map(componentOf),
    dependencies: [
      { ref: refOf(product), dependsOn: sorted.map(refOf) },
      ...sorted.map((part) => ({ ref: refOf(part) })),
    ],
  }
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(content)}`,
    version: 1,
    ...content,
  }
}

function componentOf(part: SbomPart): object {
  const { type, name, version, purl, description, scope } = part
  return {
    type,
    'bom-ref': refOf(part),
    name,
    version,
    ...(description !== undefined && { description }),
    ...(scope !== undefined && { scope }),
    ...(part.sha256 !== undefined && { hashes: [{ alg: 'SHA-256', content: part.sha256 }] }),
    ...(part.license !== undefined && { licenses: [licenseOf(part.license)] }),
    ...(purl !== undefined && { purl }),
    ...(part.properties !== undefined && {
      properties: Object.entries(part.properties).map(([key, value]) => ({ name: key, value })),
    }),
  }
}

function refOf({ ref, purl, name }: SbomPart): string {
  return ref ?? purl ?? name
}

function licenseOf(text: string): object {
  return spdxExpression.test(text) ? { expression: text } : { license: { name: text } }
}

/** A UUID of version 8, whose bits derive from the content (RFC 9562, section 5.8). */
function uuidOf(content: object): string {
  const hex = encodedOf(digestOf(canonicalJson(content)))
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4]
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
