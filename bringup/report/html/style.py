"""The report's style sheet: light, dark and paper from one set of colours, told apart without red and green.

Blue is in order, orange to red is not, a hatched or empty cell was not measured. Letters say the same as the colours.
"""

from __future__ import annotations

SHEET = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#18202b;--dim:#5a6675;--line:#dde2e9;--accent:#1d5fa8;
--good:#1f6fb5;--goodbg:#e5f0fa;--bad:#c2410c;--badbg:#fdeee4;--warn:#8a6100;--warnbg:#fdf5dc;
--ok0:#c9def0;--ok1:#9cc4e4;--ok2:#5f9fd0;--ok3:#2d76b3;--bad0:#9a1c00;--bad1:#df5a16;--bad2:#f4a261;
--none:#e3e6ea;--conf:#e9a23b;--unknown:#f2d863;--onbad:#fff;--onok:#12324f}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1a2028;--ink:#e4e9ef;--dim:#96a3b3;--line:#2e3742;
--accent:#7db7ee;--good:#7db7ee;--goodbg:#17293b;--bad:#ff9361;--badbg:#3a2115;--warn:#eccb62;--warnbg:#322a12;
--ok0:#1d3349;--ok1:#27507a;--ok2:#3677ae;--ok3:#68aee3;--bad0:#ff7b4a;--bad1:#dd5a1e;--bad2:#96481f;
--none:#29313b;--conf:#c98220;--unknown:#b59a2c;--onbad:#fff;--onok:#dbeaf7}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,header>div{max-width:1240px;margin:0 auto;padding:0 20px}
header{border-top:6px solid var(--tone);background:var(--tonebg);padding:22px 0 16px}
.ready{--tone:var(--good);--tonebg:var(--goodbg)}.notready{--tone:var(--bad);--tonebg:var(--badbg)}
.incomplete{--tone:var(--warn);--tonebg:var(--warnbg)}
h1{font-size:32px;line-height:1.1;margin:0 0 4px;color:var(--tone)}
h1 small{font-weight:500;color:var(--ink);font-size:20px;margin-left:12px}
header p{margin:4px 0 0}.dim{color:var(--dim)}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:16px 0 4px;padding:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:8px 14px;min-width:118px}
.tiles b{display:block;font-size:22px;line-height:1.2;font-variant-numeric:tabular-nums}
.tiles span{color:var(--dim);font-size:13px}
nav{margin:12px 0 0;font-size:14px}nav a{margin-right:14px}
a{color:var(--accent)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 20px 18px;margin:16px 0}
h2{font-size:19px;margin:0 0 4px}h3{font-size:15px;margin:18px 0 6px}h2+p,h3+p{margin:0 0 10px}
h3 .count{color:var(--dim);font-weight:400}
p.how{color:var(--dim);font-size:13.5px;max-width:92ch;margin:0 0 12px}
.todo{margin:0;padding:0;list-style:none}
.todo>li{border:1px solid var(--line);border-left:5px solid var(--edge,var(--dim));border-radius:7px;margin:8px 0;
padding:9px 12px 10px;
display:grid;grid-template-columns:22px 118px minmax(0,1fr);gap:2px 10px;break-inside:avoid}
.todo>li:target{outline:2px solid var(--accent)}
.hands-on{--edge:var(--bad1)}.configuration,.software{--edge:var(--conf)}.plan{--edge:var(--ok3)}
.could-not-judge{--edge:var(--unknown)}
.box{width:15px;height:15px;border:1.5px solid var(--dim);border-radius:3px;margin-top:3px}
.place{font:600 16px/1.3 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
.place small{display:block;font-weight:400;color:var(--dim);font-size:12px}
.head{font-weight:600}.head .part{font-weight:400}.act{margin:3px 0 0}.act::before{content:"\\2192  ";color:var(--dim)}
.said{margin:1px 0 0}.todo .dim{font-size:13px}
.rackhead{font-size:13px;color:var(--dim);margin:14px 0 0;font-weight:600;letter-spacing:.02em}
details{margin:4px 0 0;font-size:13px}summary{cursor:pointer;color:var(--accent)}
code,.mono{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:12.5px;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--dim);font-weight:600;font-size:12.5px}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.bar svg{vertical-align:-2px}
.wide{overflow-x:auto}td:first-child{white-space:nowrap}td{overflow-wrap:anywhere}
tr.odd td:first-child{box-shadow:inset 4px 0 0 var(--bad1)}
tr.odd td:first-child,tr.lead td:first-child{padding-left:10px}
.flow{display:flex;flex-wrap:wrap;gap:14px 18px;align-items:flex-start}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(265px,1fr));gap:18px 22px}.chart{break-inside:avoid}
.chart svg{width:100%;height:auto}.chart b{font-size:13.5px}
.chart p{margin:0 0 4px;font-size:12.5px;color:var(--dim);overflow-wrap:anywhere}
svg{max-width:100%;overflow:visible}svg text{font:10.5px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;
fill:var(--dim)}
svg .rack{font-size:12px;font-weight:700;fill:var(--ink)}svg .glyph{font-weight:700;fill:var(--ink)}
.ok0{fill:var(--ok0)}.ok1{fill:var(--ok1)}.ok2{fill:var(--ok2)}.ok3{fill:var(--ok3)}
.bad0{fill:var(--bad0)}.bad1{fill:var(--bad1)}.bad2{fill:var(--bad2)}
.none{fill:none;stroke:var(--dim);stroke-width:1;stroke-dasharray:2 2}
.s-ready{fill:var(--ok0)}.s-hands{fill:var(--bad1)}.s-conf{fill:var(--conf)}.s-unknown{fill:var(--unknown)}
.s-other{fill:var(--bad2)}
svg .on-s-hands{fill:var(--onbad);font-weight:700}svg .on-s-ready{fill:var(--onok)}
svg .on-s-conf,svg .on-s-unknown,svg .on-s-other{fill:#221a08;font-weight:700}
.s-hands+.glyph{fill:var(--onbad)}.s-conf+.glyph,.s-unknown+.glyph,.s-other+.glyph{fill:#221a08}
.axis{stroke:var(--dim);stroke-width:1}.limit{stroke:var(--bad);stroke-width:1.6;stroke-dasharray:4 2}
.v-pass{fill:var(--ok2)}.v-fail{fill:var(--bad1)}.v-error{fill:var(--unknown)}.v-not-run{fill:var(--conf)}
.v-not-applicable{fill:var(--none)}.v-missing{fill:var(--dim)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:0 0 12px;padding:0;list-style:none;font-size:12.5px;color:var(--dim)}
.legend svg{vertical-align:-2px;margin-right:5px}
.tight table{font-size:11.5px}.tight td,.tight th{white-space:nowrap;padding-right:12px}
footer{color:var(--dim);font-size:12.5px;margin:20px 0 40px}
@media (max-width:640px){.todo>li{grid-template-columns:22px minmax(0,1fr)}.todo>li>.what{grid-column:2}h1{font-size:25px}}
@media print{@page{margin:14mm 12mm}
:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--dim:#444;--line:#bbb;--accent:#000;--good:#1f6fb5;--goodbg:#fff;
--bad:#b03a06;
--badbg:#fff;--warn:#7a5600;--warnbg:#fff;--ok0:#c9def0;--ok1:#9cc4e4;--ok2:#5f9fd0;--ok3:#2d76b3;--bad0:#9a1c00;
--bad1:#df5a16;
--bad2:#f4a261;--none:#e3e6ea;--conf:#e9a23b;--unknown:#f2d863;--onbad:#fff;--onok:#12324f}
body{font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}nav,summary{display:none}
section{border:0;padding:0;margin:14pt 0}main,header>div{max-width:none;padding:0}a{text-decoration:none}
h2,h3,.rackhead{break-after:avoid}tr,.flow>*,.chart{break-inside:avoid}thead{display:table-header-group}
.wide{overflow:visible}.tight td{white-space:normal;padding-right:5px}table{font-size:8.5pt}}
"""
