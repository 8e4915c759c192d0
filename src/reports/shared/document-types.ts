/** Predicate types of in-toto's and cosign's, and media types. */
const cycloneDx = /^https:\/\/cyclonedx\.org\/(?:bom|specification)(?:\/|$)/
const spdx = /^https:\/\/spdx\.dev\/Document(?:\/|$)/

/** Whether a predicate type or media type is that of CycloneDX. */
export function isCycloneDxType(type: string): boolean {
  return cycloneDx.test(type) || /^application\/(?:vnd\.)?cyclonedx(?:\+|$)/.test(type)
}

/** Whether a predicate type or media type is that of SPDX. */
export function isSpdxType(type: string): boolean {
  return spdx.test(type) || /^(?:text|application)\/(?:vnd\.)?spdx(?:\+|$)/.test(type)
}
