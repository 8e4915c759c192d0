import { markup, type Markup } from './markup.ts'
import { darkPalette, lightPalette, type Palette } from './palette.ts'

function variables(palette: Palette): readonly Markup[] {
  return Object.entries(palette).map(([name, colour]) => markup`--${name}:${colour};`)
}

/**
 * The only style of the page. It loads nothing. Print uses the light palette, and tables become
 * lists on narrow screens.
 */
export function renderStyle(): Markup {
  return markup`<style>
    :root{color-scheme:light;${variables(lightPalette)}}
    @media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${variables(darkPalette)}}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
    @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
    body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
    main,header,footer{max-width:76rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}
    header{padding-top:clamp(1.5rem,4vw,3rem)}
    h1{font-size:1.75rem;line-height:1.2;letter-spacing:-.015em;margin:0;font-weight:650}
    h2{font-size:1.375rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .25rem;font-weight:650}
    h3{font-size:1rem;margin:2rem 0 .5rem;font-weight:650}
    p{margin:0 0 .75rem;max-width:46rem}
    a{color:var(--link);text-underline-offset:.15em}
    :focus-visible{outline:2px solid var(--link);outline-offset:2px}
    code{font:.875em/1.4 ui-monospace,"SF Mono",SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;overflow-wrap:anywhere;unicode-bidi:isolate}
    small,.small{font-size:.8125rem;line-height:1.45}
    .muted,.lead{color:var(--muted)}
    .lead{font-size:1rem}
    .when{color:var(--muted);margin:.375rem 0 0}
    .i{width:1em;height:1em;vertical-align:-.125em;margin-right:.3em;flex:none;fill:none;stroke:currentColor;stroke-width:1.6}
    .good{color:var(--good)}.notice{color:var(--notice)}.bad{color:var(--bad)}
    .ver{margin-right:.375rem}.st{font-weight:600;white-space:nowrap}
    .cards{list-style:none;margin:1.75rem 0 0;padding:0;display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.75rem}
    .cards li{display:flex}
    .cards a{flex:1;display:block;padding:.875rem 1rem 1rem;border:1px solid var(--line);border-radius:.5rem;background:var(--panel);color:inherit;text-decoration:none}
    .cards a:hover{border-color:var(--link)}
    .cards .name{display:flex;align-items:center;font-size:.8125rem;font-weight:600;color:var(--muted)}
    .cards .head{display:flex;align-items:baseline;font-size:1.125rem;line-height:1.3;font-weight:650;margin:.25rem 0 .125rem}
    .cards .head .i{align-self:baseline;position:relative;top:.125em}
    .facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.25rem 1.25rem;margin:1rem 0 0;font-size:.875rem}
    .facts dt{color:var(--muted)}.facts dd{margin:0;overflow-wrap:anywhere}
    .source{max-width:none;margin-top:1.25rem;padding-top:.75rem;border-top:1px solid var(--line)}
    section{margin-top:3rem;padding-top:1.5rem;border-top:2px solid var(--text)}
    .note{border-left:.25rem solid var(--line);background:var(--panel);padding:.625rem .875rem;margin:.75rem 0;max-width:60rem;border-radius:0 .25rem .25rem 0}
    .note.bad,.note.notice,.note.good{border-color:currentColor}
    .note>*{color:var(--text)}.note>.t{color:inherit;font-weight:650;margin:0}
    .note .st{white-space:normal}.note p{margin:.125rem 0 0;max-width:none}.note ul{margin:.25rem 0 0;padding-left:1.25rem}
    .numbers{display:flex;flex-wrap:wrap;gap:.5rem 2.5rem;margin:1rem 0 1.25rem;padding:0}
    .numbers div{display:flex;flex-direction:column}
    .numbers dt{font-size:.8125rem;color:var(--muted)}
    .numbers dd{margin:0;font-size:1.375rem;line-height:1.3;font-weight:600;letter-spacing:-.01em}
    .view{display:flex;flex-direction:column}
    .view>figure{order:-1}
    figure{margin:.75rem 0 1.25rem}
    figcaption{font-size:.875rem;font-weight:600;margin-bottom:.25rem}
    .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.125rem;padding:0;margin:.25rem 0 .5rem;font-size:.8125rem;color:var(--muted)}
    .legend svg{width:.8em;height:.8em;margin-right:.4em;vertical-align:-.05em;overflow:visible}
    .chart{display:block;width:100%;overflow:visible}
    .chart text{font-size:12px;fill:var(--text)}
    .chart .v{font-weight:600}.chart .a{fill:var(--muted);font-size:11px}
    .chart .g{stroke:var(--line)}.chart .base{stroke:var(--muted)}
    .track{fill:var(--panel)}.chart rect{stroke:var(--page);stroke-width:.75}.chart .track{stroke:none}
    .s1{fill:var(--series1)}.s2{fill:var(--series2)}.s3{fill:var(--series3)}.s4{fill:var(--series4)}.s5{fill:var(--series5)}.s6{fill:var(--series6)}
    .chart .free,.free{fill:var(--page);stroke:var(--free);stroke-width:1.5}
    .m{fill:var(--series1);stroke:var(--page);stroke-width:1}
    .m.rollback{fill:var(--notice)}.m.other{fill:var(--series6)}
    .m.refused,.m.problem,.m.open{fill:var(--page);stroke:var(--bad);stroke-width:2}.m.open{stroke:var(--notice)}
    .scroll{overflow-x:auto;margin:.5rem 0 1rem}
    table{border-collapse:collapse;width:100%;font-size:.875rem;line-height:1.45}
    caption{text-align:left;font-weight:600;padding:0 0 .375rem}
    th,td{text-align:left;vertical-align:top;padding:.4375rem .75rem .4375rem 0;border-bottom:1px solid var(--line);font-weight:400}
    th:last-child,td:last-child{padding-right:0}
    thead th{font-size:.8125rem;font-weight:600;color:var(--muted);border-bottom-color:var(--muted);vertical-align:bottom}
    tbody th{font-weight:600;overflow-wrap:anywhere}th time{font-weight:400}b{font-weight:600}
    td.n,th.n{text-align:right;white-space:nowrap}
    .nw{white-space:nowrap}
    .wrap{overflow-wrap:anywhere;min-width:7.5rem}.wide{min-width:10rem}
    table details[open]>.facts{grid-template-columns:minmax(24rem,1fr)}table .facts dd{margin-bottom:.25rem}
    tr.others>*{color:var(--muted);font-style:italic}
    tr.total>*{font-weight:650;border-bottom:0}
    td small,th small{display:block;color:var(--muted);font-weight:400}
    details{margin:.125rem 0;font-weight:400}
    summary{cursor:pointer;color:var(--link)}
    details>dl.facts{margin:.375rem 0 .5rem;font-weight:400}
    details>.scroll{margin-top:.75rem}
    footer{margin-top:3rem;padding-top:1rem;padding-bottom:2.5rem;color:var(--muted)}
    .sprites{position:absolute;width:0;height:0}
    @media (max-width:44rem){
    .facts,table details[open]>.facts{grid-template-columns:minmax(0,1fr)}.wrap{min-width:0}.facts dd{margin-bottom:.375rem}
    table.stack,.stack>caption,.stack>tbody,.stack>tbody>tr>*{display:block}
    .stack>thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
    .stack>tbody>tr{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));column-gap:1rem;border-bottom:1px solid var(--line);padding:.625rem 0}
    .stack>tbody>tr>:not(.n){grid-column:1/-1}
    .stack>tbody>tr>*{border:0;padding:.125rem 0;text-align:left}
    .stack>tbody>tr>td{display:grid;grid-template-columns:7rem minmax(0,1fr);gap:.75rem}
    .stack>tbody>tr>td.n{grid-template-columns:minmax(0,1fr) max-content;gap:.5rem}
    .stack>tbody>tr>td::before{content:attr(data-l);color:var(--muted);font-size:.8125rem}
    .stack>tbody>tr>td:empty{display:none}
    }
    @page{size:A4;margin:14mm 13mm}
    @media print{
    html{font-size:10pt}
    main,header,footer{max-width:none;padding:0}
    section{margin-top:1.5rem;padding-top:1rem}
    section+section{break-before:page;margin-top:0}
    h2,h3,.lead,caption,figcaption,thead{break-after:avoid}
    tr,figure,.note,.cards li,.numbers{break-inside:avoid}
    thead{display:table-header-group}
    .scroll{overflow:visible}
    section>details:not([open]),.view>details:not([open]){display:none}
    .source{break-before:avoid}
    .cards{grid-template-columns:repeat(2,1fr)}
    .cards a,.note,.track,.chart *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
    a{color:inherit;text-decoration:none}
    summary{list-style:none;color:inherit}
    summary.only{display:none}
    }
  </style>`
}
