// The graph of a workflow: drawn by the cytoscape and dagre that FireWorks brings along, without jQuery and without a network.
(async () => {
  const place = document.getElementById("graph");
  const answer = await fetch(place.dataset.json, { headers: { "X-Live": "1" } });
  if (!answer.ok) { place.textContent = "The graph cannot be had: " + answer.status; return; }
  const found = await answer.json();
  for (const one of found.nodes) one.data.name = "\u00a0" + one.data.name;  // this cytoscape knows no margin of texts
  const ink = getComputedStyle(document.body).color;
  const graph = cytoscape({
    container: place,
    elements: { nodes: found.nodes, edges: found.edges },
    style: cytoscape.stylesheet()
      .selector("node").css({
        content: "data(name)", shape: "rectangle", width: 28, height: 28, "background-color": "data(state)",
        color: ink, "font-size": 13, "text-valign": "center", "text-halign": "right",
      })
      .selector("edge").css({ "target-arrow-shape": "triangle", "line-color": "#878e96", "target-arrow-color": "#878e96", width: 2 }),
    layout: { name: "dagre", rankDir: "TB", nodeSep: 260, padding: 30, fit: true },
    maxZoom: 1.2,
  });
  graph.on("tap", "node", event => { location.href = "/fw/" + event.cyTarget.id(); });
  place.dataset.drawn = found.nodes.length;
})();
